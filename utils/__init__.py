"""Commands on data and models, and the helpers they share."""
