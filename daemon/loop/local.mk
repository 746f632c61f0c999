libdaemon_la_SOURCES += \
	daemon/loop/later.c \
	daemon/loop/later.h \
	daemon/loop/loop.c \
	daemon/loop/loop.h \
	daemon/loop/loop_event.c \
	daemon/loop/loop_event.h \
	daemon/loop/time_share.c \
	daemon/loop/time_share.h \
	daemon/loop/timer.c \
	daemon/loop/timer.h \
	daemon/loop/turn.h \
	daemon/loop/waker.h
