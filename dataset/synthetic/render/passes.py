"""Pictures of a frame besides the coloured one."""

PASSES = ("depth", "objectId")

#: What a pixel of the ``objectId`` pass shows; 0 lies outside the disc.
OBJECT_IDS = {
    "surroundings": 1,
    "things": 2,
    "skin": 3,
    "hair": 4,
    "top": 5,
    "bottoms": 6,
    "shoes": 7,
}
