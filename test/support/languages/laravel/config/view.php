<?php

return ['paths' => []];
