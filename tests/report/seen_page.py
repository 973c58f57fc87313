"""A page, and a whole site, as a browser would read it."""

from html.parser import HTMLParser

from hipus.report import site


class Page(HTMLParser):
    """What a browser would see: tags with attributes, and text with plain spaces."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"style", "script"} & set(self._open):
            self.text += data.replace("\u00a0", " ")

    def attributes(self, name: str) -> list[str]:
        """Return all values of an attribute."""
        return [found[name] for _, found in self.tags if name in found]


def built(profile: str = "smoke") -> dict[str, Page]:
    """Build the site and return its pages by their names."""
    folder = site.build_site(profile).parent
    return {
        path.stem: Page(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.html"))
    }


def whole_text(profile: str = "smoke") -> str:
    """Build the site and return the text of all of its pages."""
    return "\n".join(page.text for page in built(profile).values())
