"""The formats of poses that ``inference.py`` writes, and their registry.

A format is one file with a subclass of :class:`utils.inference.outputs.PoseFormat` and one line in
:data:`FORMATS`; doc/extending.md shows how.
"""

#: Value of ``--format``, which is the suffix of the file ``poses.…`` too → "module:class".
FORMATS = {
    "json": "utils.inference.sinks.pose_json:JsonFormat",
    "npz": "utils.inference.sinks.pose_npz:NpzFormat",
    "csv": "utils.inference.sinks.pose_csv:CsvFormat",
    "bvh": "utils.inference.sinks.bvh:BvhFormat",
    "glb": "utils.inference.sinks.glb:GlbFormat",
}
