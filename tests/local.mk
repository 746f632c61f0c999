# Tests may use the inner names of both sides, and tests/support/. An integration test is a program
# tests/integration/test_NAME.c and one line here.
include tests/unit/local.mk
integration_tests = \
	tests/integration/test_authorisation_matrix \
	tests/integration/test_cancelled_requests \
	tests/integration/test_claims \
	tests/integration/test_client_memory \
	tests/integration/test_daemon_config \
	tests/integration/test_daemon_inherits \
	tests/integration/test_daemon_life \
	tests/integration/test_daemon_start \
	tests/integration/test_daemon_words \
	tests/integration/test_dead_paths \
	tests/integration/test_descriptor_limit \
	tests/integration/test_deliveries \
	tests/integration/test_descriptors \
	tests/integration/test_documented_packets \
	tests/integration/test_few_messages \
	tests/integration/test_handover \
	tests/integration/test_handover_programs \
	tests/integration/test_hostile_bytes \
	tests/integration/test_hostile_clients \
	tests/integration/test_hostile_closing \
	tests/integration/test_hostile_descriptors \
	tests/integration/test_hostile_wire \
	tests/integration/test_in_flight_limit \
	tests/integration/test_kyronctl \
	tests/integration/test_kyronctl_columns \
	tests/integration/test_kyronctl_direct \
	tests/integration/test_kyronctl_doctor \
	tests/integration/test_kyronctl_failures \
	tests/integration/test_kyronctl_frozen \
	tests/integration/test_kyronctl_lists \
	tests/integration/test_kyronctl_manners \
	tests/integration/test_kyronctl_monitor \
	tests/integration/test_kyronctl_metrics \
	tests/integration/test_kyronctl_orders \
	tests/integration/test_kyronctl_registrations \
	tests/integration/test_kyronctl_top \
	tests/integration/test_kyronctl_words \
	tests/integration/test_letting_go \
	tests/integration/test_limits \
	tests/integration/test_local_calls \
	tests/integration/test_lost_wakeups \
	tests/integration/test_near_names \
	tests/integration/test_no_allocation \
	tests/integration/test_memory_bound \
	tests/integration/test_outage_live \
	tests/integration/test_pulses \
	tests/integration/test_ready_descriptors \
	tests/integration/test_reconciling \
	tests/integration/test_refusals \
	tests/integration/test_reload_live \
	tests/integration/test_request_descriptors \
	tests/integration/test_restart \
	tests/integration/test_scrapes \
	tests/integration/test_shared_listener \
	tests/integration/test_shares \
	tests/integration/test_slow_client \
	tests/integration/test_slow_names \
	tests/integration/test_smaller_limits \
	tests/integration/test_stopping \
	tests/integration/test_system_calls \
	tests/integration/test_threads \
	tests/integration/test_unread \
	tests/integration/test_wait_kinds \
	tests/integration/test_wait_sessions \
	tests/integration/test_waiting_calls \
	tests/integration/test_waits \
	tests/integration/test_why
tests_integration_test_kyronctl_manners_LDADD = libctl.la $(LDADD) $(SMARTCOLS_LIBS)
tests_integration_test_kyronctl_top_LDADD = libctl.la $(LDADD) $(SMARTCOLS_LIBS)
# Whoever unlocks is held up there.
tests_integration_test_letting_go_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pthread_mutex_unlock
# Both sides of the wire, for valgrind.
memchecked_integration_tests = \
	tests/integration/test_documented_packets \
	tests/integration/test_threads
# Shell tests: exit 0 passed, 77 skipped, anything else failed.
fuzz_tests = tests/fuzz/corpus.sh
system_tests = \
	tests/model/check_model.sh \
	tests/system/bench.sh \
	tests/system/bench_report.sh \
	tests/system/completions.sh \
	tests/system/documentation.sh \
	tests/system/examples.sh \
	tests/system/failing_allocations.sh \
	tests/system/failing_system_calls.sh \
	tests/system/idle.sh \
	tests/system/network_namespaces.sh \
	tests/system/prometheus.sh \
	tests/system/rooms.sh \
	tests/system/steady_state.sh \
	tests/system/strace_waits.sh \
	tests/system/torture.sh \
	tests/system/waits_cost.sh \
	tests/system/waits_faults.sh \
	tests/system/waits_healthy.sh \
	tests/system/waits_rights.sh \
	$(host_tests)
# Those on a machine with systemd.
host_tests = \
	tests/system/systemd_crash.sh \
	tests/system/systemd_host.sh \
	tests/system/systemd_limits.sh
# What runs there.
host_programs = \
	tests/host/host_hold \
	tests/host/host_load
tests_host_host_hold_LDADD = libkyron.la
tests_host_host_hold_CPPFLAGS = $(examples_cppflags)
tests_host_host_load_LDADD =

check_LTLIBRARIES += libtestsupport.la
libtestsupport_la_SOURCES = \
	tests/integration/authorisation_lists.c \
	tests/integration/authorisation_lists.h \
	tests/integration/authorisation_requests.c \
	tests/integration/authorisation_requests.h \
	tests/integration/handover_scene.c \
	tests/integration/handover_scene.h \
	tests/integration/job_terminal.c \
	tests/integration/job_terminal.h \
	tests/integration/kyronctl_run.c \
	tests/integration/kyronctl_run.h \
	tests/integration/lying_daemon.c \
	tests/integration/lying_daemon.h \
	tests/integration/raw_session.c \
	tests/integration/raw_session.h \
	tests/integration/ring.c \
	tests/integration/ring.h \
	tests/integration/wait_scene.c \
	tests/integration/wait_scene.h \
	tests/integration/waiting_scene.c \
	tests/integration/waiting_scene.h \
	tests/support/authorisation_scene.c \
	tests/support/authorisation_scene.h \
	tests/support/call_count.c \
	tests/support/call_count.h \
	tests/support/capture.c \
	tests/support/capture.h \
	tests/support/client.c \
	tests/support/client.h \
	tests/support/config_file.c \
	tests/support/config_file.h \
	tests/support/daemon.c \
	tests/support/daemon.h \
	tests/support/deadline.c \
	tests/support/deadline.h \
	tests/support/dns_server.c \
	tests/support/dns_server.h \
	tests/support/epoll_set.c \
	tests/support/epoll_set.h \
	tests/support/echo_worker.c \
	tests/support/echo_worker.h \
	tests/support/fake_manager.c \
	tests/support/fake_manager.h \
	tests/support/fd_message.c \
	tests/support/fd_message.h \
	tests/support/fixture.c \
	tests/support/fixture.h \
	tests/support/hostile_scene.c \
	tests/support/held_lock.c \
	tests/support/held_lock.h \
	tests/support/hostile_scene.h \
	tests/support/inner_server.c \
	tests/support/inner_server.h \
	tests/support/memfd_note.c \
	tests/support/memfd_note.h \
	tests/support/notify_socket.c \
	tests/support/notify_socket.h \
	tests/support/own_malloc.h \
	tests/support/own_network.c \
	tests/support/own_network.h \
	tests/support/program.c \
	tests/support/program.h \
	tests/support/pulse_client.c \
	tests/support/pulse_client.h \
	tests/support/random.h \
	tests/support/reconcile.h \
	tests/support/raw_client.c \
	tests/support/raw_client.h \
	tests/support/scale.h \
	tests/support/service_frames.c \
	tests/support/service_frames.h \
	tests/support/refused_sends.c \
	tests/support/refused_sends.h \
	tests/support/sharing_scene.c \
	tests/support/sharing_scene.h \
	tests/support/short_connections.c \
	tests/support/short_connections.h \
	tests/support/scripted_daemon.c \
	tests/support/scripted_daemon.h \
	tests/support/silent_fuse.c \
	tests/support/silent_fuse.h \
	tests/support/stub_names.h \
	tests/support/suite.c \
	tests/torture/latency.c \
	tests/torture/latency.h

check_PROGRAMS += $(unit_tests) $(integration_tests) tests/support/fault_scene \
	tests/support/waiting_program
tests_support_fault_scene_SOURCES = \
	tests/support/fault_client.c \
	tests/support/fault_client.h \
	tests/support/fault_scene.c \
	tests/support/fault_sharing.c \
	tests/support/fault_steps.c \
	tests/support/fault_steps.h

# For LD_PRELOAD; -rpath makes it a shared one though it is not installed.
check_LTLIBRARIES += tests/support/libfailing_malloc.la
tests_support_libfailing_malloc_la_SOURCES = \
	tests/support/failing_malloc.c \
	tests/support/failing_malloc.h
tests_support_libfailing_malloc_la_LDFLAGS = -module -avoid-version -rpath $(abs_builddir)
tests_support_libfailing_malloc_la_LIBADD =
check_LTLIBRARIES += tests/support/libslow_calls.la
tests_support_libslow_calls_la_SOURCES = \
	tests/support/slow_calls.c \
	tests/support/slow_calls.h \
	tests/support/waiting_call.c \
	tests/support/waiting_call.h
tests_support_libslow_calls_la_LDFLAGS = -module -avoid-version -rpath $(abs_builddir)
tests_support_libslow_calls_la_LIBADD =
check_PROGRAMS += $(host_programs)
# For every program that names no libraries of its own.
LDADD = libtestsupport.la libclient.la libwaits.la $(daemon_libs) $(CHECK_LIBS) $(JANSSON_LIBS)

# The longest first, where several run side by side.
TESTS += $(system_tests) $(integration_tests) $(unit_tests) $(fuzz_tests)
EXTRA_DIST += $(fuzz_tests) $(system_tests) tests/host/boot.sh tests/host/host.sh tests/host/init.sh \
	tests/host/shell.sh tests/model/readiness.pml tests/support/check.sh tests/support/coverage.sh \
	tests/support/failing_system_calls.table tests/support/fault_scene.sh \
	tests/support/installed_program.c tests/support/scene.sh tests/support/tsan.supp \
	tests/support/valgrind.supp tests/support/waits_scene.sh tests/system/bench_report.py tests/system/rooms.py
# Where a test finds the programs and the tree.
AM_TESTS_ENVIRONMENT = \
	KYRON_BUILD_DIR='$(abs_builddir)'; export KYRON_BUILD_DIR; \
	KYRON_SOURCE_DIR='$(abs_srcdir)'; export KYRON_SOURCE_DIR;
TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = bash

check-unit: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(unit_tests)'
check-integration: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(integration_tests)'
check-fuzz: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(fuzz_tests)'
check-system: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(system_tests)'
check-host: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(host_tests)'
.PHONY: check-unit check-integration check-fuzz check-system check-host
