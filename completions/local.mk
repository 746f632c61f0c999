dist_bashcompletion_DATA = completions/kyron-iod completions/kyronctl
zshcompletiondir = $(datadir)/zsh/site-functions
dist_zshcompletion_DATA = completions/_kyronctl
fishcompletiondir = $(datadir)/fish/vendor_completions.d
dist_fishcompletion_DATA = completions/kyronctl.fish
