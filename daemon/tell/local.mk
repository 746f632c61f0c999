libdaemon_la_SOURCES += \
	daemon/tell/happening.h \
	daemon/tell/happening_ring.c \
	daemon/tell/happening_ring.h \
	daemon/tell/teller.c \
	daemon/tell/teller.h
