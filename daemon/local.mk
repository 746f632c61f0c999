# Everything but main, so that the unit tests can link it.
noinst_LTLIBRARIES += libdaemon.la
libdaemon_la_SOURCES = daemon/daemon.h
include daemon/blocking/local.mk
include daemon/budget/local.mk
include daemon/closing/local.mk
include daemon/config/local.mk
include daemon/connect/local.mk
include daemon/driver/local.mk
include daemon/hold/local.mk
include daemon/listen/local.mk
include daemon/loop/local.mk
include daemon/process/local.mk
include daemon/requests/local.mk
include daemon/restart/local.mk
include daemon/scrape/local.mk
include daemon/server/local.mk
include daemon/session/local.mk
include daemon/store/local.mk
include daemon/tell/local.mk

daemon_libs = libdaemon.la libmetrics_text.la libstate_pb.la $(proto_libs) $(LIBEVENT_LIBS) $(CONFUSE_LIBS) $(SYSTEMD_LIBS)

sbin_PROGRAMS += kyron-iod
kyron_iod_SOURCES = daemon/main.c
kyron_iod_LDADD = $(daemon_libs)
