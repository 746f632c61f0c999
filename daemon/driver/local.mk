libdaemon_la_SOURCES += \
	daemon/driver/descriptor_kind.c \
	daemon/driver/descriptor_kind.h \
	daemon/driver/eventfd_probe.c \
	daemon/driver/eventfd_probe.h \
	daemon/driver/io_driver.c \
	daemon/driver/io_driver.h \
	daemon/driver/live_entries.c \
	daemon/driver/live_entries.h \
	daemon/driver/notifier.c \
	daemon/driver/notifier.h \
	daemon/driver/reconciler.c \
	daemon/driver/reconciler.h \
	daemon/driver/registration_info.h \
	daemon/driver/registration_map.c \
	daemon/driver/registration_map.h \
	daemon/driver/registration_set.c \
	daemon/driver/registration_set.h \
	daemon/driver/set_watch.c \
	daemon/driver/set_watch.h \
	daemon/driver/unread.c \
	daemon/driver/unread.h
