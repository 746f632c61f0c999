dist_bashcompletion_DATA = completions/kyron-iod completions/kyronctl
