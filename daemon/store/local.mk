libdaemon_la_SOURCES += \
	daemon/store/descriptor_store.c \
	daemon/store/descriptor_store.h \
	daemon/store/notify_queue.c \
	daemon/store/notify_queue.h \
	daemon/store/notify_socket.c \
	daemon/store/notify_socket.h \
	daemon/store/record.c \
	daemon/store/record.h \
	daemon/store/stored_name.c \
	daemon/store/stored_name.h

# The generated code is built apart, without our warnings.
noinst_LTLIBRARIES += libstate_pb.la
nodist_libstate_pb_la_SOURCES = \
	daemon/store/state.pb-c.c \
	daemon/store/state.pb-c.h
libstate_pb_la_CFLAGS = -std=gnu11 $(BASE_CFLAGS) $(PROTOBUF_C_CFLAGS)

BUILT_SOURCES += daemon/store/state.pb-c.h
CLEANFILES += daemon/store/state.pb-c.c daemon/store/state.pb-c.h
EXTRA_DIST += daemon/store/state.proto

daemon/store/state.pb-c.c: daemon/store/state.proto
	@$(MKDIR_P) daemon/store
	$(AM_V_GEN)$(PROTOC_C) --proto_path=$(srcdir) --c_out=. $(srcdir)/daemon/store/state.proto

# Made together with the .c file. If only the header was lost, both are made anew.
daemon/store/state.pb-c.h: daemon/store/state.pb-c.c
	@test -f $@ || { rm -f daemon/store/state.pb-c.c; $(MAKE) $(AM_MAKEFLAGS) daemon/store/state.pb-c.c; }
