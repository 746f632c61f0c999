man_MANS = \
	man/kyron-iod.8 \
	man/kyron-iod.conf.5 \
	man/kyronctl.1 \
	man/libkyron.3 \
	man/kyron-iod-protocol.7
EXTRA_DIST += \
	man/kyron-iod.8.scd \
	man/kyron-iod.conf.5.scd \
	man/kyronctl.1.scd \
	man/libkyron.3.scd \
	man/kyron-iod-protocol.7.scd
CLEANFILES += $(man_MANS)

SUFFIXES = .scd
.scd:
	@$(MKDIR_P) man
	$(AM_V_GEN)$(SCDOC) < $< > $@.tmp && mv $@.tmp $@
