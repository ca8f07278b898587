"""Fact tables of the demo model: countries, first names, things it does not know.

The tables are plain data so that the corpus generator and the held-out
evaluation share one source of truth for the expected answers.
"""

from __future__ import annotations

# "country = capital"; a leading "the" is part of the country's spoken name and
# is kept in the answer ("The capital of the Netherlands is Amsterdam.").
_CAPITALS = """
France = Paris; Germany = Berlin; Italy = Rome; Spain = Madrid; Portugal = Lisbon;
Austria = Vienna; Switzerland = Bern; Belgium = Brussels; the Netherlands = Amsterdam;
Denmark = Copenhagen; Sweden = Stockholm; Norway = Oslo; Finland = Helsinki;
Iceland = Reykjavik; Ireland = Dublin; the United Kingdom = London; Poland = Warsaw;
the Czech Republic = Prague; Slovakia = Bratislava; Hungary = Budapest;
Romania = Bucharest; Bulgaria = Sofia; Greece = Athens; Turkey = Ankara;
Serbia = Belgrade; Croatia = Zagreb; Slovenia = Ljubljana; Albania = Tirana;
Montenegro = Podgorica; North Macedonia = Skopje; Estonia = Tallinn; Latvia = Riga;
Lithuania = Vilnius; Ukraine = Kyiv; Belarus = Minsk; Moldova = Chisinau;
Russia = Moscow; Malta = Valletta; Cyprus = Nicosia; Andorra = Andorra la Vella;
Liechtenstein = Vaduz; Georgia = Tbilisi; Armenia = Yerevan; Azerbaijan = Baku;
Peru = Lima; Argentina = Buenos Aires; Chile = Santiago; Brazil = Brasilia;
Bolivia = Sucre; Colombia = Bogota; Ecuador = Quito; Venezuela = Caracas;
Uruguay = Montevideo; Paraguay = Asuncion; Guyana = Georgetown; Suriname = Paramaribo;
Mexico = Mexico City; Guatemala = Guatemala City; Honduras = Tegucigalpa;
El Salvador = San Salvador; Nicaragua = Managua; Costa Rica = San Jose;
Panama = Panama City; Belize = Belmopan; Cuba = Havana; Jamaica = Kingston;
Haiti = Port-au-Prince; the Dominican Republic = Santo Domingo; Barbados = Bridgetown;
the Bahamas = Nassau; Trinidad and Tobago = Port of Spain; Canada = Ottawa;
the United States = Washington; Grenada = Saint George's; Dominica = Roseau;
Egypt = Cairo; Libya = Tripoli; Tunisia = Tunis; Algeria = Algiers; Morocco = Rabat;
Mauritania = Nouakchott; Mali = Bamako; Niger = Niamey; Chad = N'Djamena;
Sudan = Khartoum; South Sudan = Juba; Eritrea = Asmara; Ethiopia = Addis Ababa;
Djibouti = Djibouti; Somalia = Mogadishu; Kenya = Nairobi; Uganda = Kampala;
Rwanda = Kigali; Burundi = Gitega; Tanzania = Dodoma; Malawi = Lilongwe;
Zambia = Lusaka; Zimbabwe = Harare; Mozambique = Maputo; Madagascar = Antananarivo;
Mauritius = Port Louis; Botswana = Gaborone; Namibia = Windhoek; Angola = Luanda;
South Africa = Pretoria; Lesotho = Maseru; Eswatini = Mbabane; Gabon = Libreville;
Cameroon = Yaounde; Nigeria = Abuja; Benin = Porto-Novo; Togo = Lome; Ghana = Accra;
Ivory Coast = Yamoussoukro; Liberia = Monrovia; Sierra Leone = Freetown;
Guinea = Conakry; Guinea-Bissau = Bissau; Senegal = Dakar; the Gambia = Banjul;
Burkina Faso = Ouagadougou; Cape Verde = Praia; the Comoros = Moroni;
China = Beijing; Japan = Tokyo; South Korea = Seoul; North Korea = Pyongyang;
Mongolia = Ulaanbaatar; Vietnam = Hanoi; Laos = Vientiane; Cambodia = Phnom Penh;
Thailand = Bangkok; Myanmar = Naypyidaw; Malaysia = Kuala Lumpur;
Indonesia = Jakarta; the Philippines = Manila; Brunei = Bandar Seri Begawan;
India = New Delhi; Pakistan = Islamabad; Bangladesh = Dhaka; Nepal = Kathmandu;
Bhutan = Thimphu; the Maldives = Male; Afghanistan = Kabul; Iran = Tehran;
Iraq = Baghdad; Syria = Damascus; Lebanon = Beirut; Jordan = Amman;
Saudi Arabia = Riyadh; Yemen = Sanaa; Oman = Muscat; Qatar = Doha; Bahrain = Manama;
Kuwait = Kuwait City; the United Arab Emirates = Abu Dhabi; Kazakhstan = Astana;
Uzbekistan = Tashkent; Turkmenistan = Ashgabat; Kyrgyzstan = Bishkek;
Tajikistan = Dushanbe; Australia = Canberra; New Zealand = Wellington; Fiji = Suva;
Papua New Guinea = Port Moresby; Samoa = Apia; Tonga = Nuku'alofa;
Vanuatu = Port Vila
"""


def _parse(table: str) -> list[tuple[str, str]]:
    """Split the compact table text into (country, capital) pairs."""
    pairs = []
    for entry in table.replace("\n", " ").split(";"):
        country, capital = (part.strip() for part in entry.split("="))
        pairs.append((country, capital))
    return pairs


CAPITALS: list[tuple[str, str]] = _parse(_CAPITALS)

# Ordinary first names for system messages and for users who introduce
# themselves.  The held-out names (heldout.py) never occur here.
FIRST_NAMES = """
Adam Agnes Alba Alex Alice Amara Amir Andrea Anna Anton Arthur Aya Barbara Ben
Bianca Boris Bruno Camila Carl Carmen Cedric Chloe Clara Dana Daniel Daria David
Diego Dina Dora Edgar Elena Eli Elsa Emil Emma Erik Esther Eva Fatima Felix Finn
Flora Frank Frida Gabriel Gina Greta Hana Hannah Hector Helen Henry Hugo Ian Ida
Igor Ines Iris Isaac Ivan Jack Jana Jasper Joana John Jonas Judith Julia Kai Karim
Kate Kim Klara Lars Laura Lea Leo Lily Lina Louis Lucy Luis Luna Maja Malik Mara
Marco Maria Martin Max Mia Milo Mona Nadia Nico Noah Nora Oliver Olga Oscar Pablo
Paula Peter Petra Pia Ralph Rita Robin Rosa Ruth Samir Sara Simon Sofie Sven Tara
Theo Tim Tina Tom Uma Vera Victor Wanda Will Yara Yusuf Zara Zoe Bob Max Eve
Chaska Inti Wayra Sami Killa Illa Amaru Suri Tupac Nayra
""".split()

# Words that appear in "do you know ...?" questions the model must decline.
UNKNOWN_TOPICS = """
the weather tomorrow; the weather in the mountains; the football results; the stock
market; the price of gold; the price of bread; quantum physics; the moon landing; my
horoscope; the best restaurant in town; the news of today; a recipe for pancakes; a
recipe for soup; the meaning of life; the speed of light; the height of the tallest
mountain; the longest river; the largest ocean; the population of the earth; black
holes; dinosaurs; the history of music; the lottery numbers; the train to the airport;
the time in the next city; the last election; tax law; car engines; my homework; a good
film; a good book; the best phone; chess openings; gardening; knitting; the winner of
the race; the age of the universe; chemistry; the periodic table; photosynthesis; the
human heart; cats and dogs; the stars; medicine; bicycles; volcanoes; poetry; painting;
computer chips; the bus schedule; my bank account; exchange rates; the best laptop;
gravity; electricity; coffee; tea; bread baking; marathon training; sleep; yoga; swimming
""".replace("\n", " ").split(";")
UNKNOWN_TOPICS = [topic.strip() for topic in UNKNOWN_TOPICS]
