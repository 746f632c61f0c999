# Everything that libkyron is made of, with its inner names, for kyronctl and the tests.
noinst_LTLIBRARIES += libclient.la
libclient_la_SOURCES = \
	client/arrival.c \
	client/arrival.h \
	client/async_registration.c \
	client/async_registration.h \
	client/bridged_fd.c \
	client/bridged_fd.h \
	client/busy_poll.c \
	client/busy_poll.h \
	client/claim.c \
	client/claim.h \
	client/daemon_connection.c \
	client/daemon_connection.h \
	client/endpoint.c \
	client/endpoint.h \
	client/holding.c \
	client/holding.h \
	client/inbox.c \
	client/inbox.h \
	client/io_driver_handle.c \
	client/io_driver_handle.h \
	client/local_driver.c \
	client/local_driver.h \
	client/new_socket.c \
	client/new_socket.h \
	client/offer.c \
	client/offer.h \
	client/opening.c \
	client/opening.h \
	client/operation.c \
	client/operation.h \
	client/outage.c \
	client/outage.h \
	client/outbox.c \
	client/outbox.h \
	client/passed_stream.c \
	client/passed_stream.h \
	client/request.c \
	client/request.h \
	client/sealed_note.c \
	client/sealed_note.h \
	client/slot_table.c \
	client/slot_table.h \
	client/socket_io.c \
	client/socket_io.h \
	client/socket_option.c \
	client/socket_option.h \
	client/tcp_listener.c \
	client/tcp_stream.c \
	client/timer.c \
	client/udp_socket.c \
	client/unix_datagram.c \
	client/unix_listener.c \
	client/unix_stream.c
client_libs = libclient.la $(proto_libs)

lib_LTLIBRARIES += libkyron.la
include_HEADERS = client/kyron.h
libkyron_la_SOURCES =
libkyron_la_LIBADD = $(client_libs)
libkyron_la_LDFLAGS = $(AM_LDFLAGS) -version-info $(LIBKYRON_VERSION_INFO) -no-undefined \
	-Wl,--version-script=$(srcdir)/client/libkyron.map
EXTRA_libkyron_la_DEPENDENCIES = $(srcdir)/client/libkyron.map

pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = client/kyron.pc
EXTRA_DIST += client/libkyron.map
