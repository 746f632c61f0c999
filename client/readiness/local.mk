libclient_la_SOURCES += \
	client/readiness/async_registration.c \
	client/readiness/async_registration.h \
	client/readiness/bridged_fd.c \
	client/readiness/bridged_fd.h \
	client/readiness/local_driver.c \
	client/readiness/local_driver.h \
	client/readiness/operation.c \
	client/readiness/operation.h \
	client/readiness/outbox.c \
	client/readiness/outbox.h \
	client/readiness/portion.c \
	client/readiness/portion.h \
	client/readiness/quiet_write.c \
	client/readiness/quiet_write.h
