# Built as a user of the library would: the public header and the shared library, nothing else.
EXTRA_DIST += examples/demo.sh examples/demo_namespaces.sh examples/demo_scene.sh \
	examples/namespaces.sh \
	examples/prometheus/kyron-iod.dashboard.json \
	examples/prometheus/kyron-iod.rules.yml \
	examples/prometheus/kyron-metrics.service \
	examples/prometheus/kyron-metrics.timer \
	examples/prometheus/prometheus.yml
noinst_PROGRAMS += \
	examples/echo_load \
	examples/echo_server \
	examples/first_program \
	examples/first_worker
examples_cppflags = -D_GNU_SOURCE -I$(srcdir)/client $(BASE_CPPFLAGS)

examples_echo_load_SOURCES = \
	examples/address.c \
	examples/address.h \
	examples/echo_load.c \
	examples/load.h \
	examples/load_connection.c \
	examples/load_connection.h \
	examples/load_message.c \
	examples/load_message.h \
	examples/load_process.c \
	examples/load_process.h \
	examples/load_totals.c \
	examples/load_transport.c \
	examples/load_transport.h \
	examples/task.c \
	examples/task.h
examples_echo_load_CPPFLAGS = $(examples_cppflags)
examples_echo_load_LDADD = libkyron.la

examples_echo_server_SOURCES = \
	examples/address.c \
	examples/address.h \
	examples/echo_connection.c \
	examples/echo_connection.h \
	examples/echo_options.c \
	examples/echo_options.h \
	examples/echo_server.c \
	examples/task.c \
	examples/task.h
examples_echo_server_CPPFLAGS = $(examples_cppflags)
examples_echo_server_LDADD = libkyron.la

examples_first_program_CPPFLAGS = $(examples_cppflags)
examples_first_program_LDADD = libkyron.la

examples_first_worker_CPPFLAGS = $(examples_cppflags)
examples_first_worker_LDADD = libkyron.la
