libdaemon_la_SOURCES += \
	daemon/listen/balancer.c \
	daemon/listen/balancer.h \
	daemon/listen/connection.c \
	daemon/listen/connection.h \
	daemon/listen/connection_store.c \
	daemon/listen/connection_store.h \
	daemon/listen/drain.c \
	daemon/listen/drain.h \
	daemon/listen/group.c \
	daemon/listen/group.h \
	daemon/listen/listener.c \
	daemon/listen/listener.h \
	daemon/listen/listener_record.c \
	daemon/listen/listener_record.h \
	daemon/listen/listeners.h \
	daemon/listen/passing.c \
	daemon/listen/passing.h \
	daemon/listen/placing.c \
	daemon/listen/placing.h \
	daemon/listen/socket_file.c \
	daemon/listen/socket_file.h \
	daemon/listen/socket_open.c \
	daemon/listen/socket_open.h \
	daemon/listen/socket_place.c \
	daemon/listen/socket_place.h \
	daemon/listen/worker.c \
	daemon/listen/worker.h
