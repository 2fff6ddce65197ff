"""What tests of data sets share: a browser that uploads, and a worker that imports at once."""

import io
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

from django.core.files.uploadedfile import SimpleUploadedFile
from runs_kit import start_worker

from webapp.datasets import jobs, services
from webapp.datasets.models import Dataset

FLOWERS = b"length,width,kind\n" + b"".join(
    f"{1 + n % 7},{2 + n % 3},{('rose', 'tulip')[n % 2]}\n".encode() for n in range(40)
)

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def workbook(**sheets):
    """The least of an Excel workbook that opens: a sheet of lines with commas for each name."""
    parts = {
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}">'
        f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
        + "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(sheets, start=1))
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">'
        + "".join(
            f'<Relationship Id="rId{n}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
            for n in range(1, len(sheets) + 1)
        )
        + "</Relationships>",
    }
    for n, lines in enumerate(sheets.values(), start=1):
        rows = "".join(f"<row>{''.join(map(_cell, line.split(',')))}</row>" for line in lines.decode().splitlines())
        parts[f"xl/worksheets/sheet{n}.xml"] = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return packed.getvalue()


def _cell(text):
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def start(client, data, *, filename="flowers.csv", size=None, fingerprint="flowers:1"):
    """Begin an upload, or go on with it."""
    form = {"filename": filename, "size": len(data) if size is None else size, "fingerprint": fingerprint}
    return client.post("/datasets/uploads/", form, headers={"Accept": "application/json"})


def send(client, place, chunk, *, offset, checksum=None):
    """Send one chunk."""
    headers = {
        "Accept": "application/json",
        "Upload-Offset": str(offset),
        "Upload-Checksum": checksum or f"crc32={zlib.crc32(chunk):08x}",
    }
    return client.put(place["url"], chunk, content_type="application/octet-stream", headers=headers)


def finish(client, place):
    """Say that the file is complete."""
    return finish_together(client, [place])


def finish_together(client, places):
    """Say that several files are complete and belong together."""
    ids = {"upload": [place["id"] for place in places]}
    return client.post(places[0]["finish"], ids, headers={"Accept": "application/json"})


def upload(client, data, **facts):
    """A whole upload; the data set that it became."""
    place = start(client, data, **facts).json()
    for offset in range(0, len(data), 100):
        send(client, place, data[offset : offset + 100], offset=offset)
    return Dataset.objects.get(pk=finish(client, place).json()["id"])


def bring(seat, data, *, filename="flowers.csv", name=""):
    """A data set whose import waits for a worker."""
    content = data.read_bytes() if isinstance(data, Path) else data
    return services.receive_files(member=seat, files=[SimpleUploadedFile(filename, content)], name=name)


def import_here(dataset):
    """Do the worker's job in this process."""
    jobs.import_dataset(dataset.pk)
    dataset.refresh_from_db()
    return dataset


def ready(seat, data=FLOWERS, **facts):
    """An imported data set."""
    dataset = import_here(bring(seat, data, **facts))
    assert dataset.status == Dataset.Status.READY, dataset.error
    return dataset


@contextmanager
def import_worker():
    """A real worker that imports, in a process of its own on the test's database and Redis."""
    with start_worker("default") as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait()
