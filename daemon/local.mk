# Everything but main, so that the unit tests can link it.
noinst_LTLIBRARIES += libdaemon.la
libdaemon_la_SOURCES = \
	daemon/background.c \
	daemon/background.h \
	daemon/closer.c \
	daemon/closer.h \
	daemon/closer_worker.c \
	daemon/closer_worker.h \
	daemon/descriptor_kind.c \
	daemon/descriptor_kind.h \
	daemon/inspect.c \
	daemon/inspect.h \
	daemon/io_driver.c \
	daemon/io_driver.h \
	daemon/listening_socket.c \
	daemon/listening_socket.h \
	daemon/log.c \
	daemon/log.h \
	daemon/notifier.c \
	daemon/notifier.h \
	daemon/options.c \
	daemon/options.h \
	daemon/peer_process.c \
	daemon/peer_process.h \
	daemon/quota.c \
	daemon/quota.h \
	daemon/registration_info.h \
	daemon/registration_set.c \
	daemon/registration_set.h \
	daemon/server.c \
	daemon/server.h \
	daemon/service_manager.c \
	daemon/service_manager.h \
	daemon/session.c \
	daemon/session.h \
	daemon/session_dispatch.c \
	daemon/session_dispatch.h
daemon_libs = libdaemon.la $(proto_libs) $(LIBEVENT_LIBS) $(SYSTEMD_LIBS)

sbin_PROGRAMS += kyron-iod
kyron_iod_SOURCES = daemon/main.c
kyron_iod_LDADD = $(daemon_libs)
