"""Where the issuing body belongs: province, city, county, town and GB/T 2260 code (docs/regions.md)."""

from extractor.regions.region import Place, Region
from extractor.regions.resolve import region_of

__all__ = ["Place", "Region", "region_of"]
