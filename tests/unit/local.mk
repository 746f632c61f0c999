# The unit tests: a program for each room, of a suite for each file. A test_NAME.c here is one line in
# its room.
#
# A suite that replaces a function of the C library or of libevent, malloc() for instance, is a
# program of its own: what it replaces is replaced in all of the program. (Several of a room may have
# refused_sends.h, which refuses only what it is told to.)
memchecked_unit_tests = \
	tests/unit/client/handle/unit \
	tests/unit/client/net/unit \
	tests/unit/client/readiness/unit \
	tests/unit/client/requests/unit \
	tests/unit/client/turn/unit \
	tests/unit/core/unit \
	tests/unit/core/test_address_service \
	tests/unit/ctl/unit \
	tests/unit/daemon/blocking/unit \
	tests/unit/daemon/budget/unit \
	tests/unit/daemon/config/unit \
	tests/unit/daemon/connect/unit \
	tests/unit/daemon/connect/test_resolver \
	tests/unit/daemon/driver/unit \
	tests/unit/daemon/driver/test_set_watch \
	tests/unit/daemon/hold/unit \
	tests/unit/daemon/hold/test_hold \
	tests/unit/daemon/listen/unit \
	tests/unit/daemon/loop/unit \
	tests/unit/daemon/process/unit \
	tests/unit/daemon/process/test_log \
	tests/unit/daemon/requests/unit \
	tests/unit/daemon/restart/test_late_names \
	tests/unit/daemon/requests/test_policy_testing \
	tests/unit/daemon/restart/unit \
	tests/unit/daemon/scrape/unit \
	tests/unit/daemon/server/unit \
	tests/unit/daemon/server/test_exhaustion \
	tests/unit/daemon/session/unit \
	tests/unit/daemon/session/test_session \
	tests/unit/daemon/session/test_session_unread \
	tests/unit/daemon/store/unit \
	tests/unit/daemon/tell/unit \
	tests/unit/kernel/unit \
	tests/unit/proto/unit \
	tests/unit/support/unit
# A close() that takes its time stops all of valgrind, so not the closer's; a malloc() that fails is
# valgrind's own there; and valgrind knows neither of a thread's call nor of close_range().
unit_tests = $(memchecked_unit_tests) \
	tests/unit/daemon/closing/unit \
	tests/unit/daemon/config/test_config_memory \
	tests/unit/waits/unit

tests_unit_client_handle_unit_SOURCES = \
	tests/unit/client/handle/test_alive.c \
	tests/unit/client/handle/test_busy_poll.c \
	tests/unit/client/handle/test_daemon_connection.c \
	tests/unit/client/handle/test_handle_delivery.c \
	tests/unit/client/handle/test_pulse.c \
	tests/unit/client/handle/test_slot_table.c

tests_unit_client_net_unit_SOURCES = \
	tests/unit/client/net/test_no_operation.c \
	tests/unit/client/net/test_opening.c \
	tests/unit/client/net/test_socket_option.c \
	tests/unit/client/net/test_tcp_listener.c \
	tests/unit/client/net/test_tcp_stream.c \
	tests/unit/client/net/test_timer.c \
	tests/unit/client/net/test_udp_socket.c \
	tests/unit/client/net/test_unix_datagram.c \
	tests/unit/client/net/test_unix_listener.c \
	tests/unit/client/net/test_unix_stream.c

tests_unit_client_readiness_unit_SOURCES = \
	tests/unit/client/readiness/test_async_registration.c \
	tests/unit/client/readiness/test_bridged_fd.c \
	tests/unit/client/readiness/test_local_kinds.c \
	tests/unit/client/readiness/test_operation.c \
	tests/unit/client/readiness/test_outbox.c \
	tests/unit/client/readiness/test_portion.c \
	tests/unit/client/readiness/test_quiet_write.c

tests_unit_client_requests_unit_SOURCES = \
	tests/unit/client/requests/test_claim.c \
	tests/unit/client/requests/test_endpoint.c \
	tests/unit/client/requests/test_holding.c \
	tests/unit/client/requests/test_offer.c \
	tests/unit/client/requests/test_passed_stream.c \
	tests/unit/client/requests/test_request.c \
	tests/unit/client/requests/test_request_flush.c \
	tests/unit/client/requests/test_sealed_note.c \
	tests/unit/client/requests/test_taken_listener.c

tests_unit_client_turn_unit_SOURCES = \
	tests/unit/client/turn/test_inbox.c \
	tests/unit/client/turn/test_lower_limit.c \
	tests/unit/client/turn/test_moving.c \
	tests/unit/client/turn/test_outage.c \
	tests/unit/client/turn/test_process_io.c \
	tests/unit/client/turn/test_pulse_given.c

tests_unit_core_unit_SOURCES = \
	tests/unit/core/test_address.c \
	tests/unit/core/test_address_pattern.c \
	tests/unit/core/test_cleanup.c \
	tests/unit/core/test_error.c \
	tests/unit/core/test_exposition.c \
	tests/unit/core/test_fd_list.c \
	tests/unit/core/test_histogram.c \
	tests/unit/core/test_io_id.c \
	tests/unit/core/test_name.c \
	tests/unit/core/test_printable.c \
	tests/unit/core/test_readiness.c \
	tests/unit/core/test_sealed_bytes.c \
	tests/unit/core/test_selector.c \
	tests/unit/core/test_self_connection.c \
	tests/unit/core/test_share.c \
	tests/unit/core/test_standard_descriptors.c \
	tests/unit/core/test_tree.c

tests_unit_daemon_budget_unit_SOURCES = \
	tests/unit/daemon/budget/test_in_flight.c \
	tests/unit/daemon/budget/test_quota.c \
	tests/unit/daemon/budget/test_session_rate.c \
	tests/unit/daemon/budget/test_watches.c

tests_unit_daemon_blocking_unit_SOURCES = \
	tests/unit/daemon/blocking/test_blocking_pool.c

tests_unit_daemon_closing_unit_SOURCES = \
	tests/unit/daemon/closing/test_closer.c

tests_unit_daemon_config_unit_SOURCES = \
	tests/unit/daemon/config/test_absolute_path.c \
	tests/unit/daemon/config/test_authorise.c \
	tests/unit/daemon/config/test_config.c \
	tests/unit/daemon/config/test_config_compare.c \
	tests/unit/daemon/config/test_config_text.c \
	tests/unit/daemon/config/test_options.c \
	tests/unit/daemon/config/test_policy.c

tests_unit_daemon_connect_unit_SOURCES = \
	tests/unit/daemon/connect/test_address_queue.c \
	tests/unit/daemon/connect/test_connector.c \
	tests/unit/daemon/connect/test_name_lookup.c \
	tests/unit/daemon/connect/test_near_address.c

tests_unit_daemon_driver_unit_SOURCES = \
	tests/unit/daemon/driver/test_descriptor_kind.c \
	tests/unit/daemon/driver/test_io_driver.c \
	tests/unit/daemon/driver/test_notifier.c \
	tests/unit/daemon/driver/test_reconciler.c \
	tests/unit/daemon/driver/test_registration_map.c \
	tests/unit/daemon/driver/test_registration_set.c \
	tests/unit/daemon/driver/test_unread.c

tests_unit_daemon_hold_unit_SOURCES = \
	tests/unit/daemon/hold/test_hold_record.c \
	tests/unit/daemon/hold/test_note.c

tests_unit_daemon_listen_unit_SOURCES = \
	tests/unit/daemon/listen/test_balancer.c \
	tests/unit/daemon/listen/test_drain.c \
	tests/unit/daemon/listen/test_listener.c \
	tests/unit/daemon/listen/test_listener_record.c \
	tests/unit/daemon/listen/test_listener_socket.c \
	tests/unit/daemon/listen/test_offers.c \
	tests/unit/daemon/listen/test_passing.c \
	tests/unit/daemon/listen/test_socket_file.c \
	tests/unit/daemon/listen/test_socket_open.c

tests_unit_daemon_loop_unit_SOURCES = \
	tests/unit/daemon/loop/test_loop.c \
	tests/unit/daemon/loop/test_time_share.c \
	tests/unit/daemon/loop/test_turn.c \
	tests/unit/daemon/loop/test_waker.c

tests_unit_daemon_process_unit_SOURCES = \
	tests/unit/daemon/process/test_background.c \
	tests/unit/daemon/process/test_log_shares.c \
	tests/unit/daemon/process/test_scheduling.c \
	tests/unit/daemon/process/test_service_manager.c

tests_unit_daemon_requests_unit_SOURCES = \
	tests/unit/daemon/requests/test_claiming.c \
	tests/unit/daemon/requests/test_dispatch.c \
	tests/unit/daemon/requests/test_inspect.c \
	tests/unit/daemon/requests/test_inspect_services.c \
	tests/unit/daemon/requests/test_keeping.c \
	tests/unit/daemon/requests/test_many.c \
	tests/unit/daemon/requests/test_metrics.c \
	tests/unit/daemon/requests/test_moving.c \
	tests/unit/daemon/requests/test_opening.c \
	tests/unit/daemon/requests/test_operating.c \
	tests/unit/daemon/requests/test_sharing.c \
	tests/unit/daemon/requests/test_subscribing.c \
	tests/unit/daemon/requests/test_waiting_request.c

tests_unit_daemon_restart_unit_SOURCES = \
	tests/unit/daemon/restart/test_handover_answer.c \
	tests/unit/daemon/restart/test_handover_state.c \
	tests/unit/daemon/restart/test_reload.c

tests_unit_daemon_scrape_unit_SOURCES = \
	tests/unit/daemon/scrape/test_scrape_request.c

tests_unit_daemon_server_unit_SOURCES = \
	tests/unit/daemon/server/test_server.c

tests_unit_daemon_session_unit_SOURCES = \
	tests/unit/daemon/session/test_answer_packet.c \
	tests/unit/daemon/session/test_daemon_socket.c \
	tests/unit/daemon/session/test_delivery.c \
	tests/unit/daemon/session/test_programs.c \
	tests/unit/daemon/session/test_session_batch.c \
	tests/unit/daemon/session/test_session_closed.c \
	tests/unit/daemon/session/test_session_direct.c \
	tests/unit/daemon/session/test_session_life.c \
	tests/unit/daemon/session/test_session_pulse.c \
	tests/unit/daemon/session/test_session_remains.c

tests_unit_daemon_store_unit_SOURCES = \
	tests/unit/daemon/store/test_descriptor_store.c \
	tests/unit/daemon/store/test_notify_queue.c \
	tests/unit/daemon/store/test_record.c

tests_unit_daemon_tell_unit_SOURCES = \
	tests/unit/daemon/tell/test_happening_ring.c \
	tests/unit/daemon/tell/test_teller.c

tests_unit_kernel_unit_SOURCES = \
	tests/unit/kernel/test_kernel_assumptions_descriptors.c \
	tests/unit/kernel/test_kernel_assumptions_edges.c \
	tests/unit/kernel/test_kernel_assumptions_epoll.c \
	tests/unit/kernel/test_kernel_assumptions_packets.c \
	tests/unit/kernel/test_kernel_assumptions_rights.c \
	tests/unit/kernel/test_kernel_assumptions_seals.c

tests_unit_proto_unit_SOURCES = \
	tests/unit/proto/test_frame.c \
	tests/unit/proto/test_frame_socket.c \
	tests/unit/proto/test_readiness_frame.c

tests_unit_support_unit_SOURCES = \
	tests/unit/support/test_short_connections.c \
	tests/unit/support/test_torture_latency.c

tests_unit_ctl_unit_SOURCES = \
	tests/unit/ctl/test_near_word.c \
	tests/unit/ctl/test_output_table.c \
	tests/unit/ctl/test_shown_text.c
tests_unit_ctl_unit_LDADD = libctl.la $(LDADD) $(SMARTCOLS_LIBS)

tests_unit_waits_unit_SOURCES = \
	tests/unit/waits/moments.c \
	tests/unit/waits/moments.h \
	tests/unit/waits/test_chain.c \
	tests/unit/waits/test_diagnosis.c \
	tests/unit/waits/test_diagnosis_sets.c \
	tests/unit/waits/test_errands.c \
	tests/unit/waits/test_poll_set.c \
	tests/unit/waits/test_process.c \
	tests/unit/waits/test_socket_table.c
