libclient_la_SOURCES += \
	client/handle/alive.c \
	client/handle/alive.h \
	client/handle/busy_poll.c \
	client/handle/busy_poll.h \
	client/handle/daemon_connection.c \
	client/handle/daemon_connection.h \
	client/handle/handle_delivery.c \
	client/handle/handle_delivery.h \
	client/handle/io_driver_handle.c \
	client/handle/io_driver_handle.h \
	client/handle/outage_state.c \
	client/handle/outage_state.h \
	client/handle/pulse.c \
	client/handle/pulse.h \
	client/handle/request_table.h \
	client/handle/sending.c \
	client/handle/sending.h \
	client/handle/slot_table.c \
	client/handle/slot_table.h \
	client/handle/timer_fd.h \
	client/handle/waker_list.c \
	client/handle/waker_list.h
