"""The categories and products that repositories are put into. Data.

Source: Docker Hub's catalogue of 2026 has the same fifteen categories and seven products.
"""

from __future__ import annotations

CATEGORIES: dict[str, tuple[str, str]] = {
    "api-management": ("API management", "API 관리"),
    "content-management": ("Content management", "콘텐츠 관리"),
    "data-science": ("Data science", "데이터 과학"),
    "databases-and-storage": ("Databases & storage", "데이터베이스와 저장소"),
    "languages-and-frameworks": ("Languages & frameworks", "언어와 프레임워크"),
    "integration-and-delivery": ("Integration & delivery", "통합과 배포"),
    "internet-of-things": ("Internet of things", "사물 인터넷"),
    "machine-learning-and-ai": ("Machine learning & AI", "머신 러닝과 AI"),
    "message-queues": ("Message queues", "메시지 큐"),
    "monitoring-and-observability": ("Monitoring & observability", "모니터링과 관측"),
    "networking": ("Networking", "네트워킹"),
    "operating-systems": ("Operating systems", "운영체제"),
    "security": ("Security", "보안"),
    "web-servers": ("Web servers", "웹 서버"),
    "web-analytics": ("Web analytics", "웹 분석"),
}
"""Slug to its name in English and Korean."""

PRODUCTS = ("image", "extension", "kit", "helm", "compose", "model", "plugin")
"""What a repository holds."""
