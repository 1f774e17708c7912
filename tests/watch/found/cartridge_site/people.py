"""Two of the shop's staff, who save a product each in the admin."""

from visit import Visit, session_of

from cartridge_site.forms import form_of


def visits():
    from cartridge.shop.models import Product, ProductVariation
    from django.contrib.auth.models import User
    from django.test import Client

    found = []
    for name in ("alice", "bob"):
        User.objects.create_superuser(name)
        product = Product.objects.create(title=f"{name}'s product")
        ProductVariation.objects.create(product=product, sku=name, default=True)
        address = Visit(f"/admin/shop/product/{product.pk}/change/", session=session_of(name))
        page = address(Client(), {}).content.decode()
        # The form as it stands is sent back.
        found.append(Visit(address.path, form_of(page), address.session))
    return found
