# What ./dev torture runs; see tests/torture/torture.h.
torture_libs = libtestsupport.la $(client_libs) $(CHECK_LIBS) $(JANSSON_LIBS)

check_PROGRAMS += \
	tests/torture/attack \
	tests/torture/healthy_client \
	tests/torture/torture

tests_torture_attack_SOURCES = \
	tests/torture/attack.c \
	tests/torture/attack.h \
	tests/torture/attack_files.c \
	tests/torture/attack_floods.c \
	tests/torture/attack_limits.c \
	tests/torture/attack_names.c \
	tests/torture/attack_packets.c \
	tests/torture/attack_processes.c \
	tests/torture/attack_pulses.c \
	tests/torture/attack_session.c \
	tests/torture/attack_session.h \
	tests/torture/attack_unread.c \
	tests/torture/forgery.c \
	tests/torture/forgery.h
tests_torture_attack_LDADD = $(torture_libs)

tests_torture_healthy_client_SOURCES = \
	examples/address.c \
	examples/address.h \
	tests/torture/healthy_client.c \
	tests/torture/trip_io_in_process.c \
	tests/torture/trip_io_library.c \
	tests/torture/trips.c \
	tests/torture/trips.h
tests_torture_healthy_client_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/client
tests_torture_healthy_client_LDADD = $(torture_libs)

tests_torture_torture_SOURCES = \
	tests/torture/beside.c \
	tests/torture/cases.c \
	tests/torture/many.c \
	tests/torture/monitored.c \
	tests/torture/moving.c \
	tests/torture/neighbours.c \
	tests/torture/neighbours.h \
	tests/torture/outage.c \
	tests/torture/process.c \
	tests/torture/process.h \
	tests/torture/report.c \
	tests/torture/report.h \
	tests/torture/spell.c \
	tests/torture/spell.h \
	tests/torture/stolen.c \
	tests/torture/stolen.h \
	tests/torture/torture.c \
	tests/torture/torture.h \
	tests/torture/torture_parts.c \
	tests/torture/world.c \
	tests/torture/world.h
tests_torture_torture_LDADD = $(torture_libs)
