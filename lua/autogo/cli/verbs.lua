--- The verbs of the command line, in the order in which the overview shows them; each is a file of
-- this directory.
-- @module autogo.cli.verbs

return {
  "evolve", "info", "convert", "diff", "segment", "predict", "resolve", "mine", "train", "finetune",
  "kernels", "measure", "report", "run", "repl", "doctor", "completion",
}
