"""Request and response models, one module a subject, with the limits of each parameter."""
