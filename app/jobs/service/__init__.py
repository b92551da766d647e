"""What the HTTP routes ask of the jobs: submit, list, results, events, uploads, samples, pictures."""
