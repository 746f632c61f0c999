libdaemon_la_SOURCES += \
	daemon/loop/later.c \
	daemon/loop/time_share.c \
	daemon/loop/time_share.h \
	daemon/loop/timer.c \
	daemon/loop/turn.h
