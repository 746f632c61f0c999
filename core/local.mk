noinst_LTLIBRARIES += libcore.la
libcore_la_SOURCES = \
	core/address.c \
	core/address.h \
	core/address_parts.c \
	core/address_parts.h \
	core/address_pattern.c \
	core/address_pattern.h \
	core/address_service.c \
	core/address_service.h \
	core/cleanup.h \
	core/clock.h \
	core/error.c \
	core/error.h \
	core/fd_list.c \
	core/fd_list.h \
	core/histogram.c \
	core/histogram.h \
	core/io_id.h \
	core/name.c \
	core/name.h \
	core/printable.c \
	core/printable.h \
	core/private_directory.c \
	core/private_directory.h \
	core/readiness.c \
	core/readiness.h \
	core/sealed_bytes.c \
	core/sealed_bytes.h \
	core/selector.c \
	core/selector.h \
	core/share.c \
	core/share.h \
	core/self_connection.c \
	core/self_connection.h \
	core/standard_descriptors.c \
	core/standard_descriptors.h \
	core/tcp_protocol.h \
	core/tree.c \
	core/tree.h

# Metrics as text, for the daemon and kyronctl; libkyron has none.
noinst_LTLIBRARIES += libmetrics_text.la
libmetrics_text_la_SOURCES = \
	core/exposition.c \
	core/exposition.h \
	proto/metrics_text.c \
	proto/metrics_text.h
