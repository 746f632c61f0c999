# What ./dev bench runs; see docs/performance.md. The tests build it, so that it does not break
# unseen.
EXTRA_DIST += \
	bench/accepts.py \
	bench/bench.py \
	bench/case.py \
	bench/claims.py \
	bench/connects.py \
	bench/document.py \
	bench/echo.py \
	bench/holds.py \
	bench/million.py \
	bench/ours.py \
	bench/plot.py \
	bench/ratio.py \
	bench/registrations.py \
	bench/scene.py \
	bench/steps.py \
	bench/tables.py
bench_programs = \
	bench/bare_registrations \
	bench/load \
	bench/load_accepts \
	bench/ours_accepts \
	bench/ours_connects \
	bench/ours_echo \
	bench/ours_holds \
	bench/ours_registered \
	bench/ours_registrations \
	bench/peer_accepts \
	bench/peer_connects \
	bench/peer_epoll \
	bench/peer_libevent \
	bench/relay
if HAVE_LIBUV
bench_programs += bench/peer_libuv
endif
if HAVE_S6
bench_programs += bench/peer_s6 bench/peer_s6_commands
endif
check_PROGRAMS += $(bench_programs)

# After all, and not beside it: both would build the libraries at once.
bench-programs: all
	$(MAKE) $(AM_MAKEFLAGS) $(bench_programs) bench/libstep_log.la tests/torture/attack
.PHONY: bench-programs

check_LTLIBRARIES += libbench.la
libbench_la_SOURCES = \
	bench/echo_io.c \
	bench/echo_io.h \
	bench/measure.c \
	bench/measure.h \
	bench/program.c \
	bench/program.h \
	tests/torture/latency.c \
	tests/torture/latency.h
libbench_la_LIBADD = $(JANSSON_LIBS)

# For LD_PRELOAD; -rpath makes it a shared one though it is not installed.
check_LTLIBRARIES += bench/libstep_log.la
bench_libstep_log_la_SOURCES = \
	bench/step_log.c \
	bench/step_log.h
bench_libstep_log_la_LDFLAGS = -module -avoid-version -rpath $(abs_builddir)
bench_libstep_log_la_LIBADD = -ldl

bench_load_SOURCES = \
	bench/load.c \
	bench/load_connection.c \
	bench/load_connection.h \
	examples/address.c \
	examples/address.h
bench_load_LDADD = libbench.la

bench_load_accepts_SOURCES = \
	bench/load_accepts.c \
	bench/load_connection.c \
	bench/load_connection.h \
	examples/address.c \
	examples/address.h
bench_load_accepts_LDADD = libbench.la

bench_bare_registrations_SOURCES = \
	bench/bare_registrations.c \
	bench/registrations.c \
	bench/registrations.h
bench_bare_registrations_LDADD = libbench.la

# As a user of the library would be: the shared one.
bench_ours_accepts_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/client
bench_ours_accepts_LDADD = libbench.la libkyron.la

bench_ours_connects_SOURCES = \
	bench/connects.c \
	bench/connects.h \
	bench/ours_connects.c
bench_ours_connects_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/client
bench_ours_connects_LDADD = libbench.la libkyron.la

bench_ours_echo_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/client
bench_ours_echo_LDADD = libbench.la libkyron.la

bench_ours_holds_SOURCES = \
	bench/holds.c \
	bench/holds.h \
	bench/ours_holds.c
bench_ours_holds_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/client
bench_ours_holds_LDADD = libbench.la libkyron.la

bench_ours_registered_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/client
bench_ours_registered_LDADD = libbench.la libkyron.la $(JANSSON_LIBS)

bench_ours_registrations_SOURCES = \
	bench/ours_registrations.c \
	bench/registrations.c \
	bench/registrations.h
bench_ours_registrations_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/client
bench_ours_registrations_LDADD = libbench.la libkyron.la

bench_peer_accepts_LDADD = libbench.la

bench_peer_connects_SOURCES = \
	bench/connects.c \
	bench/connects.h \
	bench/peer_connects.c \
	examples/address.c \
	examples/address.h
bench_peer_connects_LDADD = libbench.la

bench_peer_epoll_LDADD = libbench.la

bench_peer_libevent_LDADD = libbench.la $(LIBEVENT_LIBS)

bench_peer_libuv_CFLAGS = $(AM_CFLAGS) $(LIBUV_CFLAGS)
bench_peer_libuv_LDADD = libbench.la $(LIBUV_LIBS)

bench_peer_s6_SOURCES = \
	bench/holds.c \
	bench/holds.h \
	bench/peer_s6.c
bench_peer_s6_LDADD = libbench.la -ls6 -lskarnet

bench_peer_s6_commands_SOURCES = \
	bench/holds.c \
	bench/holds.h \
	bench/peer_s6_commands.c
bench_peer_s6_commands_LDADD = libbench.la

bench_relay_LDADD = libbench.la
