"""Virtual try-on: conditions of a pair, a flow that moves the garment, an image; no database, no user interface.

The route: `pairs.Pair` -> `conditions.Conditions` -> flow (`geometric`) -> `warped_cloth` -> `tryon` -> a run folder.

Tensors are NCHW float32 on one device unless a docstring says otherwise:

    image, agnostic, densepose   (N, 3, H, W)   RGB in [-1, 1]
    mask                         (N, 1, H, W)   0 or 1; 1 is the thing that the name says
    parse, parse_agnostic        (N, H, W)      int64 ids of `labels.ParseClass`; one-hot only inside a network
    keypoints                    (N, 25, 3)     x, y in pixels of the photo, score; a missing joint is 0, 0, 0
    flow                         (N, 2, H, W)   x, y offsets in `grid_sample` units: the image spans -1 to 1,
                                                `align_corners=False` everywhere, so the same numbers mean
                                                the same motion at every resolution

Sizes are (height, width). Numpy arrays at the edges (files, drawing) are (H, W) or (H, W, 3), uint8 or bool.
"""
