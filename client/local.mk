# Everything that libkyron is made of, with its inner names, for kyronctl and the tests.
noinst_LTLIBRARIES += libclient.la
libclient_la_SOURCES =
include client/handle/local.mk
include client/net/local.mk
include client/readiness/local.mk
include client/requests/local.mk
include client/turn/local.mk
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
