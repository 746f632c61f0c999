libdaemon_la_SOURCES += \
	daemon/budget/in_flight.c \
	daemon/budget/in_flight.h \
	daemon/budget/in_flight_room.c \
	daemon/budget/in_flight_room.h \
	daemon/budget/kept.c \
	daemon/budget/kept.h \
	daemon/budget/quota.c \
	daemon/budget/quota.h \
	daemon/budget/session_rate.c \
	daemon/budget/session_rate.h \
	daemon/budget/watches.c \
	daemon/budget/watches.h
