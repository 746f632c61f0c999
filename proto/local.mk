noinst_LTLIBRARIES += libproto.la libiod_pb.la
proto_libs = libproto.la libiod_pb.la libcore.la $(PROTOBUF_C_LIBS)
libproto_la_SOURCES = \
	proto/frame.c \
	proto/frame.h \
	proto/frame_socket.c \
	proto/frame_socket.h \
	proto/pulse.h \
	proto/readiness_frame.c \
	proto/readiness_frame.h

# The generated code is built apart, without our warnings.
nodist_libiod_pb_la_SOURCES = \
	proto/iod.pb-c.c \
	proto/iod.pb-c.h
libiod_pb_la_CFLAGS = -std=gnu11 $(BASE_CFLAGS) $(PROTOBUF_C_CFLAGS)

BUILT_SOURCES += proto/iod.pb-c.h
CLEANFILES += proto/iod.pb-c.c proto/iod.pb-c.h
EXTRA_DIST += proto/iod.proto

proto/iod.pb-c.c: proto/iod.proto
	@$(MKDIR_P) proto
	$(AM_V_GEN)$(PROTOC_C) --proto_path=$(srcdir) --c_out=. $(srcdir)/proto/iod.proto

# Made together with the .c file. If only the header was lost, both are made anew.
proto/iod.pb-c.h: proto/iod.pb-c.c
	@test -f $@ || { rm -f proto/iod.pb-c.c; $(MAKE) $(AM_MAKEFLAGS) proto/iod.pb-c.c; }
