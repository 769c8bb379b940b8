"""A consumer of S/4HANA's orders over OData V2, with a client library that knows nothing of Heddle but its $metadata.

Takes the URL of a gateway and the number of an order; prints one line of JSON for each thing that it did.
"""

import json
import os
import sys

import pyodata
import requests
from pyodata.exceptions import HttpError
from pyodata.v2.model import Config, PolicyFatal

url, key = sys.argv[1:]
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['TOKEN']}"
# As for a system of S/4HANA: its client stands in every URL.
session.params = {"sap-client": "100", "sap-language": "EN"}


def say(what, **result):
    print(json.dumps({"what": what, **result}, default=str), flush=True)


def service(name):
    """A service as its $metadata describes it; whatever is wrong in there ends the program."""
    root = f"{url}/sap/opu/odata/sap/{name}"
    return pyodata.Client(root, session, config=Config(default_error_policy=PolicyFatal()))


orders = service("API_SALES_ORDER_SRV")
partners = service("API_BUSINESS_PARTNER")
say(
    "described",
    sets=[len(one.schema.entity_sets) for one in (orders, partners)],
    functions=sorted(one.name for one in orders.schema.function_imports),
)

found = orders.entity_sets.A_SalesOrder.get_entity(key).expand("to_Item,to_Partner").execute()
say(
    "fetched",
    order=found.SalesOrder,
    day=found.CreationDate.isoformat(),
    # Of which nobody but the library knows what a null is.
    etag=found.etag,
    items=[item.SalesOrderItem for item in found.to_Item],
    partners=sorted(one.PartnerFunction for one in found.to_Partner),
)
items = found.nav("to_Item").get_entities().select("SalesOrderItem,NetAmount").execute()
say("navigated", amounts=[str(item.NetAmount) for item in items])

some = orders.entity_sets.A_SalesOrder.get_entities()
some = some.filter(SalesOrder=key).order_by("SoldToParty,SalesOrder desc").top(1).count(inline=True).execute()
say("listed", total=some.total_count, orders=[one.SalesOrder for one in some])
count = orders.entity_sets.A_SalesOrder.get_entities().filter(f"SalesOrder eq '{key}'").count().execute()
say("counted", count=count)

token = session.get(f"{url}/sap/opu/odata/sap/API_SALES_ORDER_SRV/", headers={"X-CSRF-Token": "Fetch"})
try:
    orders.entity_sets.A_SalesOrder.update_entity(key).set(PurchaseOrderByCustomer="x").execute()
except HttpError as error:
    say("refused", status=error.response.status_code, token=error.response.headers["x-csrf-token"])
session.headers["X-CSRF-Token"] = token.headers["x-csrf-token"]

change = orders.entity_sets.A_SalesOrder.update_entity(key, method="MERGE").set(PurchaseOrderByCustomer="PO-1")
change.add_headers({"If-Match": found.etag})
change.execute()
late = orders.entity_sets.A_SalesOrder.update_entity(key).set(PurchaseOrderByCustomer="PO-2")
late.add_headers({"If-Match": found.etag})
try:
    late.execute()
except HttpError as error:
    say("late", status=error.response.status_code, why=error.response.json()["error"]["code"])

made = orders.entity_sets.A_SalesOrderItem.create_entity()
made.set(SalesOrder=key, SalesOrderItem="20", Material="TG12", RequestedQuantity="2")
say("created", item=made.execute().SalesOrderItem)

batch = orders.create_batch()
changes = orders.create_changeset()
change = orders.entity_sets.A_SalesOrder.update_entity(key).set(PurchaseOrderByCustomer="PO-3")
change.add_headers({"If-Match": "*"})
changes.add_request(change)
batch.add_request(changes)
batch.add_request(orders.entity_sets.A_SalesOrder.get_entity(key))
_, read = batch.execute()
say("batched", reference=read.PurchaseOrderByCustomer)

gone = orders.entity_sets.A_SalesOrderItem.delete_entity(SalesOrder=key, SalesOrderItem="20")
gone.add_headers({"If-Match": "*"})
gone.execute()
left = orders.entity_sets.A_SalesOrder.get_entity(key).nav("to_Item").get_entities().execute()
say("deleted", items=[item.SalesOrderItem for item in left])
