noinst_LTLIBRARIES += libwaits.la
libwaits_la_SOURCES = \
	waits/activity.c \
	waits/activity.h \
	waits/chain.c \
	waits/chain.h \
	waits/descriptor_table.c \
	waits/descriptor_table.h \
	waits/diagnose_connection.c \
	waits/diagnose_listener.c \
	waits/diagnose_loop.c \
	waits/diagnosis.c \
	waits/diagnosis.h \
	waits/errands.c \
	waits/errands.h \
	waits/loop.c \
	waits/loop.h \
	waits/network_spaces.c \
	waits/network_spaces.h \
	waits/other_end.c \
	waits/other_end.h \
	waits/process.c \
	waits/process.h \
	waits/process_directory.c \
	waits/process_directory.h \
	waits/process_list.c \
	waits/process_list.h \
	waits/sample.c \
	waits/sample.h \
	waits/scene.c \
	waits/scene.h \
	waits/socket_dump.c \
	waits/socket_dump.h \
	waits/socket_ends.c \
	waits/socket_ends.h \
	waits/socket_table.c \
	waits/socket_table.h \
	waits/system_call.c \
	waits/system_call.h \
	waits/thread_state.c \
	waits/thread_state.h \
	waits/wait_set.c \
	waits/wait_set.h
libwaits_la_LIBADD = libcore.la $(LIBMNL_LIBS)
