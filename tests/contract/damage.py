"""What can be wrong with an HDF5 file: each makes a function that does it to an open one."""


def put(name, index, value):
    def damage(file):
        file[name][index] = value

    return damage


def drop(name):
    def damage(file):
        del file[name]

    return damage


def swap(name, **change):
    """Replace a dataset by another one; its attributes stay."""

    def damage(file):
        attributes = dict(file[name].attrs)
        values = file[name][()]
        del file[name]
        file.create_dataset(name, **{"data": values, **change}).attrs.update(attributes)

    return damage


def attribute(name, key, value=None):
    """Change an attribute, or drop it."""

    def damage(file):
        del file[name].attrs[key]
        if value is not None:
            file[name].attrs[key] = value

    return damage


def add(name, key, value):
    def damage(file):
        file[name].attrs[key] = value

    return damage
