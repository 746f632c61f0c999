libdaemon_la_SOURCES += \
	daemon/connect/address_queue.c \
	daemon/connect/address_queue.h \
	daemon/connect/connect_attempt.c \
	daemon/connect/connect_attempt.h \
	daemon/connect/connector.c \
	daemon/connect/connector.h \
	daemon/connect/hosts_file.c \
	daemon/connect/hosts_file.h \
	daemon/connect/loop_memory.c \
	daemon/connect/loop_memory.h \
	daemon/connect/resolver.c \
	daemon/connect/resolver.h
