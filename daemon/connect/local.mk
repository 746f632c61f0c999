libdaemon_la_SOURCES += \
	daemon/connect/address_queue.c \
	daemon/connect/address_queue.h \
	daemon/connect/connect_attempt.c \
	daemon/connect/connect_attempt.h \
	daemon/connect/connector.c \
	daemon/connect/connector.h \
	daemon/connect/inet_address.h \
	daemon/connect/name_lookup.c \
	daemon/connect/name_lookup.h \
	daemon/connect/name_questions.c \
	daemon/connect/name_questions.h \
	daemon/connect/near_address.c \
	daemon/connect/near_address.h \
	daemon/connect/resolver.c \
	daemon/connect/resolver.h
