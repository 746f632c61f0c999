libdaemon_la_SOURCES += \
	daemon/blocking/blocking_pool.c \
	daemon/blocking/blocking_pool.h \
	daemon/blocking/pool_thread.c \
	daemon/blocking/pool_thread.h
