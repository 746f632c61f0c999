libclient_la_SOURCES += \
	client/net/new_socket.c \
	client/net/new_socket.h \
	client/net/opening.c \
	client/net/opening.h \
	client/net/socket_io.c \
	client/net/socket_io.h \
	client/net/socket_option.c \
	client/net/socket_option.h \
	client/net/tcp_listener.c \
	client/net/tcp_stream.c \
	client/net/timer.c \
	client/net/udp_socket.c \
	client/net/unix_datagram.c \
	client/net/unix_listener.c \
	client/net/unix_stream.c
