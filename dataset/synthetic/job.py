"""One job of a synthetic set: the frames of a character, posed, drawn and written."""

from functools import lru_cache, partial

import numpy as np

from base.set_type import SetType
from dataset.synthetic.any_headset import draw_headset
from dataset.synthetic.body.body_model import make_body
from dataset.synthetic.body.head_camera import HeadCamera, camera_poses, mount
from dataset.synthetic.body.poser import Poser
from dataset.synthetic.body.release_joints import occluded, release_joints
from dataset.synthetic.clothes.wardrobe import dress
from dataset.synthetic.motion.bvh_timeline import BvhTimeline
from dataset.synthetic.motion.timeline import Timeline, draw_frames
from dataset.synthetic.output import PICTURES, encode_label
from dataset.synthetic.recipe import Job, Purpose, Recipe, build_of
from dataset.synthetic.render.picture_camera import draw_response
from dataset.synthetic.render.renderer import Renderer
from dataset.synthetic.scene.clutter import draw_clutter
from dataset.synthetic.scene.furniture import NO_THINGS, plain_seat, together
from dataset.synthetic.scene.furniture_meshes import fitting_seat
from dataset.synthetic.scene.in_use import draw_in_use
from dataset.synthetic.scene.place import make_place, photographed

#: Below this many frames apart, whole clips are checked for limbs that go through the body.
WATCHED_STRIDE = 30


@lru_cache(maxsize=2)
def _person(recipe: Recipe, split: int, person: int) -> tuple[Poser, HeadCamera]:
    rng = recipe.random(Purpose.PERSON, split, person)
    body = make_body(*build_of(recipe, split, person), rng)
    headset = recipe.headsets[person % len(recipe.headsets)]
    if headset is None:
        headset = draw_headset(body, recipe.random(Purpose.HEADSET, split, person))
    return Poser(body), mount(body, headset, rng)


@lru_cache(maxsize=2)
def _timeline(recipe: Recipe, split: int, person: int, environment: int) -> Timeline | BvhTimeline:
    poser, worn = _person(recipe, split, person)
    random = partial(recipe.random, Purpose.MOTION, split, person, environment)
    if recipe.clips and person * recipe.bvh_share % 1 < recipe.bvh_share:
        return BvhTimeline(poser, random, recipe.clips)
    watched = recipe.stride < WATCHED_STRIDE
    everyday = random(Purpose.CLUTTER) if recipe.clutter and not recipe.actions else None
    return Timeline(poser, random, worn.offset, watched, recipe.actions, everyday)


@lru_cache(maxsize=1)
def _renderer(recipe: Recipe, split: int, person: int) -> Renderer:
    rng = recipe.random(Purpose.PLACE, split, person)
    poser, worn = _person(recipe, split, person)
    outfit, place, response = dress(poser.body, rng), make_place(rng), draw_response(rng)
    if recipe.clutter:
        place = photographed(place, recipe.random(Purpose.LIGHT, split, person))
    return Renderer(outfit, place, response, recipe.ray_step, worn.headset)


def run_job(job: Job, recipe: Recipe) -> int:
    """Make and write the frames of a job; returns how many."""
    split = list(SetType).index(job.folder.set_type)
    key = split, job.person, int(job.folder.environment.removeprefix("env_"))
    poser, worn = _person(recipe, split, job.person)
    body, names = poser.body, poser.body.rig.names
    # All poses of a job are drawn even where only some are wanted, so that a frame comes out the
    # same to the last bit in a longer set and when a set is resumed.
    draws = [recipe.random(Purpose.FRAME, *key, place) for place in job.drawn]
    starts = [place * recipe.stride for place in job.drawn]
    move = _timeline(recipe, *key).place
    frames = draw_frames(poser, worn.offset, move, starts, recipe.stride, draws)
    head = names.index("Head")
    cameras = camera_poses(worn, frames.joints[:, head], frames.turns[:, head])
    phenotype = {name: round(float(value), 4) for name, value in body.phenotype.items()}
    more = {"phenotype": phenotype, "seed": recipe.seed}
    for place in job.wanted:
        row = job.drawn.index(place)
        joints, turns = frames.joints[row], frames.turns[row]
        trans, rot = (each[row] for each in cameras)
        named = release_joints(body, joints, turns)
        pictures, hidden = {}, None
        if job.folder.environment == PICTURES:
            renderer = _renderer(recipe, split, job.person)
            skin = body.skin(joints, turns, renderer.outfit.vertices, renderer.outfit.weights)
            grain = recipe.random(Purpose.GRAIN, *key, place)
            things, clutter, seat = renderer.place.things, NO_THINGS, frames.seats[row]
            if recipe.clutter:
                rng = recipe.random(Purpose.CLUTTER, *key, place)
                held = draw_in_use(rng, frames.uses[row], poser, joints, turns, trans)
                taken = np.concatenate([skin, held.vertices])
                things = together([things, fitting_seat(rng, seat, taken)])
                clutter = together([draw_clutter(rng, taken, things, renderer.place), held])
            else:
                things = together([things, plain_seat(seat)])
            seen = skin, trans, rot, things, named, grain, recipe.passes, clutter
            pictures, lead = renderer.draw(*seen)
            hidden = occluded(lead, body)
        where = named, turns, trans, rot, hidden
        label = encode_label(frames.actions[row], names, *where, worn.headset, more)
        job.folder.write(place * recipe.stride, label, pictures)
    return len(job.wanted)
