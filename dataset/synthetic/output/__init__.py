"""Files of a set: labels, a tree of pictures, shards."""
