"""The process that runs the jobs: it takes them from the queue and supervises one training process for each."""
