# A test program is tests/DIRECTORY/test_NAME.c and one line here. It may use the inner names of
# both sides, and tests/support/.
unit_tests = \
	tests/unit/test_kernel_assumptions_descriptors \
	tests/unit/test_kernel_assumptions_edges \
	tests/unit/test_kernel_assumptions_epoll \
	tests/unit/test_kernel_assumptions_packets \
	tests/unit/test_kernel_assumptions_rights
integration_tests =
# Shell tests: exit 0 passed, 77 skipped, anything else failed.
system_tests =

check_LTLIBRARIES += libtestsupport.la
libtestsupport_la_SOURCES = \
	tests/support/deadline.c \
	tests/support/deadline.h \
	tests/support/epoll_set.c \
	tests/support/epoll_set.h \
	tests/support/fd_message.c \
	tests/support/fd_message.h \
	tests/support/fixture.c \
	tests/support/fixture.h

check_PROGRAMS += $(unit_tests) $(integration_tests)
# For every program that names no libraries of its own.
LDADD = libtestsupport.la libclient.la $(daemon_libs) $(CHECK_LIBS) $(JANSSON_LIBS)

TESTS += $(unit_tests) $(integration_tests) $(system_tests)
EXTRA_DIST += $(system_tests) tests/support/check.sh tests/support/installed_program.c
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
check-system: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(system_tests)'
.PHONY: check-unit check-integration check-system
