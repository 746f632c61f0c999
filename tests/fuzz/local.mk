# A fuzzer is tests/fuzz/fuzz_NAME.c, its lines here, and a folder of inputs in corpus/. Configured
# with --enable-libfuzzer (./dev fuzz) it is libFuzzer's; otherwise it runs the files it is given.
fuzzers = \
	tests/fuzz/fuzz_address \
	tests/fuzz/fuzz_client \
	tests/fuzz/fuzz_config \
	tests/fuzz/fuzz_frame \
	tests/fuzz/fuzz_pulse \
	tests/fuzz/fuzz_session \
	tests/fuzz/fuzz_state
check_PROGRAMS += $(fuzzers)
fuzzers: $(fuzzers)
.PHONY: fuzzers

check_LTLIBRARIES += libfuzz.la
libfuzz_la_SOURCES = \
	tests/fuzz/input.h \
	tests/fuzz/packet.c \
	tests/fuzz/packet.h \
	tests/fuzz/request.c \
	tests/fuzz/request.h \
	tests/fuzz/without_runner/check.h \
	tests/support/client.c \
	tests/support/deadline.c \
	tests/support/fd_message.c \
	tests/support/fixture.c \
	tests/support/inner_server.c \
	tests/support/memfd_note.c \
	tests/support/raw_client.c \
	tests/support/scripted_daemon.c
if !LIBFUZZER
libfuzz_la_SOURCES += tests/fuzz/standalone_main.c
endif
fuzz_cppflags = -I$(srcdir)/tests/fuzz/without_runner $(AM_CPPFLAGS)
libfuzz_la_CPPFLAGS = $(fuzz_cppflags)
fuzz_libs = libfuzz.la libclient.la $(daemon_libs) $(CHECK_LIBS)
fuzz_ldflags = $(AM_LDFLAGS) $(LIBFUZZER_LDFLAGS)
# Of those that have a server: patient_close.c.
patient_ldflags = $(fuzz_ldflags) -Wl,--wrap=blocking_pool_close -Wl,--wrap=closer_stop

tests_fuzz_fuzz_address_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_address_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_client_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_client_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_client_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_config_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_config_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_frame_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_frame_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_pulse_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_pulse_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_session_SOURCES = tests/fuzz/fuzz_session.c tests/fuzz/patient_close.c
tests_fuzz_fuzz_session_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_session_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_session_LDFLAGS = $(patient_ldflags)
tests_fuzz_fuzz_state_SOURCES = tests/fuzz/fuzz_state.c tests/fuzz/patient_close.c
tests_fuzz_fuzz_state_CPPFLAGS = $(fuzz_cppflags)
tests_fuzz_fuzz_state_LDADD = $(fuzz_libs)
tests_fuzz_fuzz_state_LDFLAGS = $(patient_ldflags)

EXTRA_DIST += tests/fuzz/corpus tests/fuzz/fuzz.sh
