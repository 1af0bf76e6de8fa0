"""One job of a synthetic set: the frames of a character, posed, drawn and written."""

from functools import lru_cache

import numpy as np

from base.set_type import SetType
from dataset.synthetic.recipe import Job, Purpose, Recipe, build_of

#: Below this many frames apart, whole clips are looked at for limbs that go through the body.
_WATCHED_STRIDE = 30


@lru_cache(maxsize=2)
def _person(recipe: Recipe, set_type: SetType, person: int):
    """Poser and headset of a character."""
    from dataset.synthetic.body.body_model import make_body
    from dataset.synthetic.body.head_camera import mount
    from dataset.synthetic.body.poser import Poser

    rng = recipe.random(Purpose.PERSON, list(SetType).index(set_type), person)
    body = make_body(*build_of(recipe, set_type, person), rng)
    return Poser(body), mount(body, rng)


@lru_cache(maxsize=2)
def _timeline(recipe: Recipe, set_type: SetType, person: int, environment: int):
    from dataset.synthetic.motion.bvh_timeline import ClipTimeline
    from dataset.synthetic.motion.timeline import Timeline

    poser, rig = _person(recipe, set_type, person)
    key = Purpose.MOTION, list(SetType).index(set_type), person, environment

    def random(*more: int) -> np.random.Generator:
        return recipe.random(*key, *more)

    if recipe.clips:
        return ClipTimeline(poser, random, recipe.clips)
    return Timeline(poser, random, rig.offset, recipe.stride < _WATCHED_STRIDE, recipe.actions)


@lru_cache(maxsize=1)
def _renderer(recipe: Recipe, set_type: SetType, person: int):
    from dataset.synthetic.clothes.wardrobe import dress
    from dataset.synthetic.render.camera_response import draw_look
    from dataset.synthetic.render.renderer import Renderer
    from dataset.synthetic.scene.place import make_place

    body = _person(recipe, set_type, person)[0].body
    rng = recipe.random(Purpose.PLACE, list(SetType).index(set_type), person)
    outfit = dress(body, rng)
    panoramas = recipe.panoramas
    panorama = panoramas[rng.integers(len(panoramas))] if panoramas else None
    place, look = make_place(rng, panorama), draw_look(rng)
    return Renderer(outfit, place, look, recipe.ray_step, recipe.camera)


def run_job(recipe: Recipe, job: Job) -> int:
    """Make and write the frames of a job; returns how many."""
    from dataset.synthetic.body.release_joints import release_joints
    from dataset.synthetic.motion.sampling import draw_frames, occluded, seat_of
    from dataset.synthetic.output.label_json import encode_label

    set_type = job.folder.set_type
    split = list(SetType).index(set_type)
    environment = int(job.folder.environment.removeprefix("env_"))
    poser, rig = _person(recipe, set_type, job.person)
    body = poser.body
    # All poses of a job are drawn even where only some are wanted, so that a frame comes out the
    # same to the last bit in a longer set and when a set is resumed.
    places = range(job.start, job.start + job.count)
    draws = [recipe.random(Purpose.FRAME, split, job.person, environment, n) for n in places]
    timeline = _timeline(recipe, set_type, job.person, environment)
    starts = [n * recipe.stride for n in places]
    frames = draw_frames(poser, rig, timeline, starts, recipe.stride, draws)
    names = body.rig.names
    phenotype = {name: round(float(value), 4) for name, value in body.phenotype.items()}
    more = {"phenotype": phenotype, "seed": recipe.seed}
    job.folder.create()
    for place in job.wanted:
        row, number = place - job.start, place * recipe.stride
        joints, turns = frames.joints[row], frames.turns[row]
        trans, rot = frames.trans[row], frames.rot[row]
        named = release_joints(body, joints, turns)
        image = hidden = None
        passes = {}
        if environment == 1:
            renderer = _renderer(recipe, set_type, job.person)
            skin = body.skin(joints, turns, renderer.outfit.vertices, renderer.outfit.weights)
            grain = recipe.random(Purpose.GRAIN, split, job.person, environment, place)
            seat = seat_of(frames, row)
            drawing = renderer.draw(skin, trans, rot, seat, named, grain, recipe.passes)
            image, passes = drawing.image, drawing.passes
            hidden = occluded(drawing.lead, body)
        label = encode_label(
            frames.actions[row], names, named, turns, trans, rot, hidden, recipe.camera, more
        )
        job.folder.write(number, label, image, passes)
    return len(job.wanted)
