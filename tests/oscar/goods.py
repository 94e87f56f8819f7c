"""What the made Oscar shop sells: 8 departments, 16 categories, 240 products with a page of their own."""

GOODS = {
    "Kitchen > Coffee": "Burr grinder, Moka pot, Pour-over kettle, Coffee beans 1 kg, Milk frother",
    "Kitchen > Baking": "Mixing bowl, Proofing basket, Rolling pin, Loaf tin, Bread lame",
    "Garden > Growing": "Seed tray, Potting soil 40 l, Watering can, Tomato seeds, Plant labels",
    "Garden > Tools": "Hand trowel, Pruning shears, Garden fork, Leaf rake, Kneeling pad",
    "Outdoor > Camping": "Two-person tent, Sleeping mat, Down sleeping bag, Camp stove, Head torch",
    "Outdoor > Hiking": "Trekking poles, Daypack 22 l, Rain jacket, Hiking socks, Water filter",
    "Workshop > Hand tools": "Claw hammer, Combination square, Block plane, Chisel set, Marking gauge",
    "Workshop > Finishing": "Sanding block, Wood oil, Beeswax polish, Brush set, Tack cloth",
    "Stationery > Writing": "Fountain pen, Ink bottle, Notebook A5, Pencil set, Desk pad",
    "Stationery > Painting": "Watercolour set, Sketch pad, Sable brush, Travel easel, Masking fluid",
    "Cycling > Parts": "Chain, Brake pads, Inner tube, Bar tape, Bottle cage",
    "Cycling > Care": "Chain oil, Track pump, Tyre levers, Repair stand, Degreaser",
    "Home > Bedroom": "Linen duvet cover, Feather pillow, Wool blanket, Bedside lamp, Alarm clock",
    "Home > Bathroom": "Bath towel, Soap dish, Bath mat, Shower caddy, Laundry basket",
    "Sport > Running": "Running shoes, Running vest, Foam roller, Reflective band, Gel pack",
    "Sport > Climbing": "Chalk bag, Climbing rope 60 m, Belay device, Climbing harness, Quickdraw set",
}
MAKERS = ("Alder", "Finch & Sons", "Northway")


def titles() -> list[tuple[str, str]]:
    """(category, title) of every product."""
    return [
        (category, f"{maker} {name[0].lower()}{name[1:]}")
        for category, names in GOODS.items()
        for name in names.split(", ")
        for maker in MAKERS
    ]
