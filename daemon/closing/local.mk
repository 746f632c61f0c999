libdaemon_la_SOURCES += \
	daemon/closing/closer.c \
	daemon/closing/closer.h \
	daemon/closing/closer_lane.c \
	daemon/closing/closer_lane.h \
	daemon/closing/closer_places.c \
	daemon/closing/closer_places.h \
	daemon/closing/closer_worker.c \
	daemon/closing/closer_worker.h
