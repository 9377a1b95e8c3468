"""Image records and names: in memory, each change in the database first.

An image has any number of names: tags (`docker.io/library/httpd:2.4`) and digests
(`docker.io/library/httpd@sha256:…`). The names are the truth; a record's `repo_tags` and
`repo_digests` are filled from them. Each name also knows the digest that it stands for: an image of
one id may be here in several forms (`image.model.ImageForm`), and a name means one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from budu.engine.database import Database
from budu.image.model import ImageRecord
from budu.image.resolve import resolve_image
from budu.spec.digest import Digest
from budu.spec.reference import Reference, parse_reference

_decoder = msgspec.json.Decoder(ImageRecord)


class ImageRepository:
    """All images of one engine. Implements `image.resolve.ImageLookup`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._by_id: dict[str, ImageRecord] = {}
        self._id_by_name: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}
        self._targets: dict[str, str] = {}
        for id_, record in database.execute("SELECT id, record FROM images"):
            self._by_id[id_] = _decoder.decode(record)
        rows = database.execute("SELECT name, image_id, target FROM image_names")
        for name, id_, target in rows:
            self._remember_name(name, id_, target)
        for id_ in self._by_id:
            self._refresh(id_)

    def _remember_name(self, name: str, id_: str, target: str) -> None:
        self._id_by_name[name] = id_
        self._targets[name] = target
        self._names.setdefault(id_, set()).add(name)

    def _meant(self, *, besides: Iterable[Reference] = ()) -> set[str]:
        """What names stand for, of any image: further platforms of an index have none of their
        own."""
        left_out = {str(name) for name in besides}
        return {target for name, target in self._targets.items() if name not in left_out}

    def drop_form(self, image: ImageRecord) -> bool:
        """Forget the form in which the image is described, if names stand for another one; whether
        they do. Else the image is to be deleted."""
        record, meant = self._by_id[image.id], self._meant()
        dropped = image.form.target
        left = [each for each in record.forms if each.target != dropped and each.target in meant]
        if not left:
            return False
        record = msgspec.structs.replace(record.in_form(left[0]), others=tuple(left[1:]))
        self._database.execute(
            "UPDATE images SET record = ? WHERE id = ?", (msgspec.json.encode(record), image.id)
        )
        self._by_id[image.id] = record
        self._refresh(image.id)
        return True

    def _refresh(self, id_: str) -> None:
        """Fill the record's tags and digests from its names; forget forms that none means."""
        names = self._names.get(id_, set())
        references = sorted(map(parse_reference, names), key=str)
        image = self._by_id[id_]
        if image.others:
            image = _without_forms(image, self._meant())
        self._by_id[id_] = msgspec.structs.replace(
            image,
            repo_tags=tuple(each.familiar for each in references if each.tag),
            repo_digests=tuple(each.familiar for each in references if each.digest),
        )

    def __len__(self) -> int:
        return len(self._by_id)

    def all(self) -> Iterable[ImageRecord]:
        """Every image, in no order; steps of builds are none."""
        return tuple(image for image in self._by_id.values() if not image.is_step)

    def everything(self) -> Iterable[ImageRecord]:
        """Every image and every step of a build, in no order."""
        return tuple(self._by_id.values())

    def get(self, ref: str) -> ImageRecord:
        """The image that `ref` means. Raises: NotFound, InvalidArgument."""
        return resolve_image(ref, self)

    def by_id(self, image_id: Digest) -> ImageRecord | None:
        """The image with this config digest."""
        return self._by_id.get(image_id)

    def by_name(self, name: str) -> ImageRecord | None:
        """The image under a canonical name."""
        id_ = self._id_by_name.get(name)
        if id_ is None:
            return None
        image, target = self._by_id[id_], self._targets[name]
        meant = (form for form in image.others if form.target == target)
        return image.in_form(next(meant, image.form))

    def names_of_form(self, image: ImageRecord) -> list[Reference]:
        """Those of the image's names that mean the form in which it is described."""
        target = image.form.target
        return [each for each in self.names(image.id) if self._targets[str(each)] == target]

    def orphaned_digests(self, image: ImageRecord, repository: str) -> list[Reference]:
        """Names by digest of the image's form, where no tag of their repository means it."""
        same = [each for each in self.names_of_form(image) if each.name == repository]
        return [] if any(not each.digest for each in same) else same

    def split(self, image: ImageRecord) -> list[ImageRecord]:
        """The image once for each of its forms, with the names that mean that form."""
        if not image.others:
            return [image]
        found = []
        for form in image.forms:
            names = self.names_of_form(image.in_form(form))
            tags = [each.familiar for each in names if each.tag]
            found.append(
                msgspec.structs.replace(
                    image.in_form(form),
                    repo_tags=tuple(each for each in image.repo_tags if each in tags),
                    repo_digests=tuple(each.familiar for each in names if each.digest),
                )
            )
        return [each for each in found if each.repo_tags or each.repo_digests] or [image]

    def by_id_prefix(self, hex_prefix: str) -> Sequence[ImageRecord]:
        """The images whose id begins so."""
        prefix = f"sha256:{hex_prefix}"
        return [image for id_, image in self._by_id.items() if id_.startswith(prefix)]

    def names(self, image_id: str) -> list[Reference]:
        """All names of one image, sorted."""
        return sorted(map(parse_reference, self._names.get(image_id, ())), key=str)

    def of_repository(self, name: str) -> list[Reference]:
        """All names in one repository (`docker.io/library/httpd`), sorted."""
        found = (parse_reference(each) for each in self._id_by_name if each.startswith(name))
        return sorted((each for each in found if each.name == name), key=str)

    def put(self, image: ImageRecord, names: Sequence[Reference]) -> ImageRecord:
        """Store an image and give it `names`; whoever had one of them loses it.

        The image as it is here already keeps its other forms, for the names that mean them.
        """
        target, known = image.form.target, self._by_id.get(image.id)
        if known is not None:
            others = tuple(form for form in known.forms if form.target != target)
            image = msgspec.structs.replace(image, others=others)
            image = _without_forms(image, self._meant(besides=names) | {target})
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO images (id, record) VALUES (?, ?) "
                "ON CONFLICT (id) DO UPDATE SET record = excluded.record",
                (image.id, msgspec.json.encode(image)),
            )
            for name in names:
                connection.execute(
                    "INSERT INTO image_names (name, image_id, target) VALUES (?, ?, ?) ON CONFLICT "
                    "(name) DO UPDATE SET image_id = excluded.image_id, target = excluded.target",
                    (str(name), image.id, target),
                )
        self._by_id[image.id] = image
        for name in names:
            self._move_name(str(name), image.id, target)
        self._refresh(image.id)
        return self._by_id[image.id]

    def _move_name(self, name: str, id_: str, target: str) -> None:
        old = self._id_by_name.get(name)
        self._remember_name(name, id_, target)
        if old is not None and old != id_:
            self._names[old].discard(name)
            self._refresh(old)

    def remove_name(self, name: Reference) -> None:
        """Take one name away; the image stays."""
        text = str(name)
        self._database.execute("DELETE FROM image_names WHERE name = ?", (text,))
        id_ = self._id_by_name.pop(text)
        del self._targets[text]
        self._names[id_].discard(text)
        self._refresh(id_)

    def remove(self, image_id: str) -> None:
        """Forget an image and all its names."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM image_names WHERE image_id = ?", (image_id,))
            connection.execute("DELETE FROM images WHERE id = ?", (image_id,))
        for name in self._names.pop(image_id, set()):
            del self._id_by_name[name], self._targets[name]
        del self._by_id[image_id]


def _without_forms(image: ImageRecord, targets: set[str]) -> ImageRecord:
    """The image in the forms that names stand for; in its own when none does."""
    meant = tuple(form for form in image.others if form.target in targets)
    if meant and image.form.target not in targets:
        image, meant = image.in_form(meant[0]), meant[1:]
    return msgspec.structs.replace(image, others=meant)
