"""A drawn dataset in the VITON-HD layout: people in clothes, with the exact flow and the exact unpaired photo.

A garment is a mesh with two shapes: at rest (the garment photo, flat on white) and worn (the same vertices on a body). The worn
mesh, rasterised, says for each pixel of the person's photo where it comes from in the garment photo, so flow, visibility, parse
and the photo of a person in another's garment are all exact. `body` and `garments` draw by lot who and what; `fabric` and
`cloth` make the garment photo; `render` makes the person's from the layers of `limbs`, `lower` and `head`, with `densepose`
beside it; `write` makes the folder; `noise` plants a detector's faults in its maps where that is asked for, and `hardness`
measures its pairs. `geometry` and `layers` are the tools of all.
"""

from vton.synthetic.body import Person, draw_person
from vton.synthetic.cloth import photograph
from vton.synthetic.garments import Garment, draw_garment
from vton.synthetic.geometry import Frame
from vton.synthetic.render import Rendering, dress
from vton.synthetic.write import SyntheticConfig, draw_dataset

__all__ = [
    "Frame",
    "Garment",
    "Person",
    "Rendering",
    "SyntheticConfig",
    "draw_dataset",
    "draw_garment",
    "draw_person",
    "dress",
    "photograph",
]
