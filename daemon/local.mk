# Everything but main, so that the unit tests can link it.
noinst_LTLIBRARIES += libdaemon.la
libdaemon_la_SOURCES = \
	daemon/address_queue.c \
	daemon/address_queue.h \
	daemon/answer.c \
	daemon/answer.h \
	daemon/authorise.c \
	daemon/authorise.h \
	daemon/background.c \
	daemon/background.h \
	daemon/balancer.c \
	daemon/balancer.h \
	daemon/claiming.c \
	daemon/claiming.h \
	daemon/closer.c \
	daemon/closer.h \
	daemon/closer_lane.c \
	daemon/closer_lane.h \
	daemon/closer_worker.c \
	daemon/closer_worker.h \
	daemon/config.c \
	daemon/config.h \
	daemon/config_block.c \
	daemon/config_block.h \
	daemon/config_compare.c \
	daemon/config_syntax.c \
	daemon/config_syntax.h \
	daemon/config_text.c \
	daemon/config_text.h \
	daemon/connect_attempt.c \
	daemon/connect_attempt.h \
	daemon/connection.c \
	daemon/connection.h \
	daemon/connector.c \
	daemon/connector.h \
	daemon/delivery.c \
	daemon/delivery.h \
	daemon/descriptor_kind.c \
	daemon/descriptor_kind.h \
	daemon/descriptor_store.c \
	daemon/descriptor_store.h \
	daemon/drain.c \
	daemon/drain.h \
	daemon/handover.c \
	daemon/handover.h \
	daemon/handover_state.c \
	daemon/handover_state.h \
	daemon/hold.c \
	daemon/hold.h \
	daemon/hosts_file.c \
	daemon/hosts_file.h \
	daemon/in_flight.c \
	daemon/in_flight.h \
	daemon/inspect.c \
	daemon/inspect.h \
	daemon/inspect_services.c \
	daemon/io_driver.c \
	daemon/io_driver.h \
	daemon/keeping.c \
	daemon/keeping.h \
	daemon/listener.c \
	daemon/listener.h \
	daemon/listening_socket.c \
	daemon/listening_socket.h \
	daemon/live_entries.c \
	daemon/live_entries.h \
	daemon/log.c \
	daemon/log.h \
	daemon/loop_memory.c \
	daemon/loop_memory.h \
	daemon/note.c \
	daemon/note.h \
	daemon/notifier.c \
	daemon/notifier.h \
	daemon/opening.c \
	daemon/opening.h \
	daemon/operating.c \
	daemon/operating.h \
	daemon/options.c \
	daemon/options.h \
	daemon/owned.c \
	daemon/owned.h \
	daemon/passing.c \
	daemon/passing.h \
	daemon/peer_process.c \
	daemon/peer_process.h \
	daemon/policy.c \
	daemon/policy.h \
	daemon/policy_rule.c \
	daemon/policy_rule.h \
	daemon/quota.c \
	daemon/quota.h \
	daemon/reconciler.c \
	daemon/reconciler.h \
	daemon/registration_info.h \
	daemon/registration_set.c \
	daemon/registration_set.h \
	daemon/reload.c \
	daemon/reload.h \
	daemon/resolver.c \
	daemon/resolver.h \
	daemon/restore.c \
	daemon/restore.h \
	daemon/scheduling.c \
	daemon/scheduling.h \
	daemon/server.c \
	daemon/server.h \
	daemon/server_accept.c \
	daemon/server_delivery.c \
	daemon/server_kept.c \
	daemon/server_limits.c \
	daemon/server_parts.h \
	daemon/server_timers.c \
	daemon/service_manager.c \
	daemon/service_manager.h \
	daemon/session.c \
	daemon/session.h \
	daemon/session_closed.c \
	daemon/session_closed.h \
	daemon/session_batch.c \
	daemon/session_batch.h \
	daemon/session_dispatch.c \
	daemon/session_dispatch.h \
	daemon/session_events.c \
	daemon/session_events.h \
	daemon/session_peer.c \
	daemon/session_peer.h \
	daemon/session_rate.c \
	daemon/session_rate.h \
	daemon/session_source.c \
	daemon/session_source.h \
	daemon/session_unread.c \
	daemon/session_unread.h \
	daemon/set_watch.c \
	daemon/set_watch.h \
	daemon/share.c \
	daemon/share.h \
	daemon/sharing.c \
	daemon/sharing.h \
	daemon/socket_open.c \
	daemon/socket_open.h \
	daemon/state.c \
	daemon/state.h \
	daemon/storing.c \
	daemon/storing.h \
	daemon/turn.h \
	daemon/waiting.c \
	daemon/waiting.h \
	daemon/worker.c \
	daemon/worker.h
# The generated code is built apart, without our warnings.
noinst_LTLIBRARIES += libstate_pb.la
nodist_libstate_pb_la_SOURCES = \
	daemon/state.pb-c.c \
	daemon/state.pb-c.h
libstate_pb_la_CFLAGS = -std=gnu11 $(BASE_CFLAGS) $(PROTOBUF_C_CFLAGS)

BUILT_SOURCES += daemon/state.pb-c.h
CLEANFILES += daemon/state.pb-c.c daemon/state.pb-c.h
EXTRA_DIST += daemon/state.proto

daemon/state.pb-c.c: daemon/state.proto
	@$(MKDIR_P) daemon
	$(AM_V_GEN)$(PROTOC_C) --proto_path=$(srcdir) --c_out=. $(srcdir)/daemon/state.proto

# Made together with the .c file. If only the header was lost, both are made anew.
daemon/state.pb-c.h: daemon/state.pb-c.c
	@test -f $@ || { rm -f daemon/state.pb-c.c; $(MAKE) $(AM_MAKEFLAGS) daemon/state.pb-c.c; }

daemon_libs = libdaemon.la libstate_pb.la $(proto_libs) $(LIBEVENT_LIBS) $(CONFUSE_LIBS) $(SYSTEMD_LIBS)

sbin_PROGRAMS += kyron-iod
kyron_iod_SOURCES = daemon/main.c
kyron_iod_LDADD = $(daemon_libs)
